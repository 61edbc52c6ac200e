/**
 * Collectives of the CUDA backend.
 *
 * <h2>Peer memory</h2>
 *
 * <p>Ranks that reach each other's memory ({@link io.antiphon.comm.PeerGroup}) communicate by
 * kernels that read and write it: threads of one process by plain pointers, processes of one host
 * by CUDA IPC. A buffer becomes known to the other members at its first use in a group: since all
 * members call the same methods in the same order, they exchange its address then over the host's
 * transport, and never again. Nothing but addresses is exchanged by the host.
 *
 * <p><b>Meetings.</b> All ordering comes from meetings: each rank stores the number of the meeting
 * into a flag of every peer (release, system scope) and waits until all peers have stored it into
 * its own (acquire, system scope). The number is counted in device memory, so a replayed graph
 * continues it. A group on another lane has flags of its own, so both may wait at the same time.
 * Waits are kernels of one block: ranks that share a device cannot starve each other.
 *
 * <p><b>Two meetings per operation.</b> Before the meeting at the <em>entry</em>, a rank has
 * finished what the lane did earlier: its inputs are complete, and it reads its output buffer no
 * more. After it peers may read the inputs and write the outputs. Before the meeting at the
 * <em>exit</em> a rank has finished all its reads and writes of peers. After it the results are
 * complete, and inputs may be overwritten. Without the entry a peer could read data that is not
 * there yet, or overwrite rows that are still in use; without the exit a rank could use rows that
 * have not arrived, or overwrite what a peer still reads. Neither can be left to the next
 * operation's entry, since the model uses the buffers in between.
 *
 * <p><b>One meeting for small tensors</b> (at most 8 KiB per rank: counts, flags, losses): a rank
 * first pushes its part into staging slots of all peers, then meets, then joins what has arrived.
 * Slots alternate with the parity of the meeting. A slot is written again two meetings later; its
 * owner has come to the meeting between them, which it does after it has read the slot.
 *
 * <p>A large reduction lets each rank read its part of all tensors, add in rank order, and store
 * the sum into all tensors: nobody else touches that part, so entry and exit suffice. Every sum has
 * one fixed order, so results have the same bits on every rank and run.
 *
 * <p><b>Failure.</b> A wait ends when the peer comes, when the peer has left, when the host says so
 * ({@link io.antiphon.comm.PeerGroup#abort}), or when the time limit is over. The last three make
 * the rank <em>lost</em>, for good: it records who waited for whom where, tells its peers, waits no
 * more and writes to no peer any more. Its operations go on as no-ops, so that enqueued steps
 * drain. A lost rank's maxima become at least 1 (the overflow flag, which keeps the step from being
 * committed), its floating sums NaN (the norm, which keeps the update from being applied).
 *
 * <p><b>Sharing a device.</b> Ranks that are threads of one process share a context. There, what
 * waits for all work of the context (loading kernels, allocating, preparing a recorded step) must
 * not be asked for while a peer's wait is on the device. So kernels are loaded before the ranks
 * first exchange anything, and ranks meet on the host when a step has been recorded, before anyone
 * replays it. Their streams need hardware queues of their own: CUDA_DEVICE_MAX_CONNECTIONS=32.
 * Streams get these too late if their first work is kernels that wait for streams of other threads
 * (22 of 22 runs of a harness on H200s). So each is used once, by a memset, when it is made (0 of
 * 40).
 *
 * <p><b>Freeing.</b> A buffer that peers may use is freed in three moves: this rank unmaps the
 * peers' counterparts, says so in their control blocks, and waits until all peers have said the
 * same. So all members free shared buffers in the same order. If a peer says nothing within the
 * limit, memory of a buffer that threads of this process might still use is kept rather than freed.
 *
 * <h2>NCCL</h2>
 *
 * <p>{@link io.antiphon.comm.Interconnect} takes NCCL ({@link io.antiphon.comm.NcclGroup}) for
 * groups of ranks on several hosts. NCCL only moves bytes, in all-gathers and in all-to-alls of
 * slabs of one size; the same kernels as above then read what came from the peers out of scratch
 * memory, so sums have the same order and bits.
 *
 * <p><b>Failure.</b> A wait of NCCL ends when its communicator is aborted. By then the host has
 * said so in a word that a small kernel looks at after each call of NCCL, and the rank is lost as
 * above: what the aborted call left in memory is used for nothing. An abort lasts until all
 * recorded steps that use the communicator are closed, so it has a thread of its own. NCCL sets no
 * limit; that kernel and one before the call tell the host, which does ({@link
 * io.antiphon.comm.NcclWait}).
 */
@NullMarked
package io.antiphon.comm;

import org.jspecify.annotations.NullMarked;
