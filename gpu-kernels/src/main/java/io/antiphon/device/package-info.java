/**
 * One CUDA device: memory, streams, events, graphs, kernels compiled at run time, and the few
 * libraries of the CUDA toolkit that are needed. The only user of JCuda; JavaCPP stands in for what
 * JCuda lacks. Every CUDA call is checked and counted.
 *
 * <p><b>How a lost GPU is recognised.</b> After some errors, of a kernel that faulted for instance,
 * every CUDA call of the process fails; they are named in {@code CudaError}. Other work never ends,
 * and to free memory would wait for it. {@link io.antiphon.device.SharedDevice} recognises both, by
 * the results of all calls and by the time that work was given, and tells by {@code anyLoss}. From
 * then on nothing of the device is used or freed ({@link io.antiphon.device.Releases}), and the
 * process must end. Who decides that, and what follows for the run, is one place outside of this
 * package.
 *
 * <p><b>Who holds memory.</b> {@link io.antiphon.device.DeviceHeap} hands out blocks and knows all
 * that were not given back. When a device closes, or a block was forgotten, it says which, and
 * where assertions are enabled also where they were allocated. It never frees one by itself.
 */
@NullMarked
package io.antiphon.device;

import org.jspecify.annotations.NullMarked;
