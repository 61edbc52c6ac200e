package io.antiphon.comm;

import io.antiphon.device.Device;
import io.antiphon.device.PeerMemory;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** One allocation per member of a group, and where this rank reaches each of them. */
final class SharedMemory implements AutoCloseable {
  private final long[] addresses;
  private final List<PeerMemory> mapped;

  private SharedMemory(long[] addresses, List<PeerMemory> mapped) {
    this.addresses = addresses;
    this.mapped = mapped;
  }

  /** Exchanges this rank's allocation at {@code address}; all members call this together. */
  static SharedMemory open(Device device, Members members, List<Endpoint> endpoints, long address) {
    Endpoint here = endpoints.get(members.worldRank(members.rank()));
    boolean exported = false;
    for (int member = 0; member < members.ranks(); member++) {
      exported |= !endpoints.get(members.worldRank(member)).sharesProcess(here);
    }
    ByteBuffer own =
        ByteBuffer.allocate(2 * Long.BYTES + PeerMemory.HANDLE_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    own.putLong(address);
    if (exported) {
      PeerMemory.Handle handle = PeerMemory.export(device, address);
      own.putLong(address - handle.base()).put(handle.handle());
    }
    List<ByteBuffer> all = members.exchange(own.clear());
    long[] addresses = new long[members.ranks()];
    List<PeerMemory> mapped = new ArrayList<>();
    for (int member = 0; member < members.ranks(); member++) {
      ByteBuffer theirs = all.get(member);
      long plain = theirs.getLong();
      if (endpoints.get(members.worldRank(member)).sharesProcess(here)) {
        addresses[member] = plain;
      } else {
        long offset = theirs.getLong();
        byte[] handle = new byte[PeerMemory.HANDLE_BYTES];
        theirs.get(handle);
        PeerMemory memory = PeerMemory.open(device, handle);
        mapped.add(memory);
        addresses[member] = memory.address() + offset;
      }
    }
    return new SharedMemory(addresses, mapped);
  }

  /** Where this rank sees the first byte of a member's allocation. */
  long address(int member) {
    return addresses[member];
  }

  /** Unmaps what other processes own; no enqueued work may use it. */
  @Override
  public void close() {
    mapped.forEach(PeerMemory::close);
    mapped.clear();
  }
}
