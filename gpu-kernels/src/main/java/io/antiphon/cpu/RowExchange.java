package io.antiphon.cpu;

import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sends rows to their places on other ranks and fetches rows back. A message carries the row
 * numbers of its receiver, so nothing else need be agreed.
 */
final class RowExchange {
  private final Members group;

  RowExchange(Members group) {
    this.group = group;
  }

  /** Row {@code t} of {@code x} goes to every destination of token t. */
  void dispatch(Tensor x, RowTensors rows, Tensor out) {
    scatter(x, rows, out, rows.destinationRow().extent(1));
  }

  /** Element {@code (t, i)} of {@code x} goes to destination i of token t. */
  void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    scatter(x, rows, out, 1);
  }

  /** Assignment {@code a} carries row {@code a / perRow} of {@code x}. */
  private void scatter(Tensor x, RowTensors rows, Tensor out, int perRow) {
    int width = Math.toIntExact(out.shape().rowElements());
    int rowBytes = width * x.dtype().bytes();
    Destinations to = new Destinations(rows);
    int[] count = to.perRank(group.ranks());
    ByteBuffer[] messages = new ByteBuffer[group.ranks()];
    for (int peer = 0; peer < messages.length; peer++) {
      long header = Integer.BYTES * (1L + count[peer]);
      messages[peer] = TensorBytes.empty(header + (long) rowBytes * count[peer]);
      messages[peer].putInt(count[peer]);
    }
    for (int assignment = 0; assignment < to.length; assignment++) {
      int peer = to.rank(assignment);
      if (peer >= 0) {
        messages[peer].putInt(to.row(assignment));
      }
    }
    CpuStorage from = (CpuStorage) x.storage();
    for (int assignment = 0; assignment < to.length; assignment++) {
      int peer = to.rank(assignment);
      if (peer >= 0) {
        ByteBuffer message = messages[peer];
        message.limit(message.position() + rowBytes);
        from.read(x.offset() + (long) (assignment / perRow) * width, message);
      }
    }
    for (int peer = 0; peer < messages.length; peer++) {
      messages[peer].flip();
      if (peer != group.rank()) {
        group.send(peer, messages[peer]);
      }
    }
    for (int peer = 0; peer < messages.length; peer++) {
      place(peer == group.rank() ? messages[peer] : group.receive(peer), out, width);
    }
  }

  private static void place(ByteBuffer message, Tensor out, int width) {
    int count = message.getInt();
    int rowBytes = width * out.dtype().bytes();
    ByteBuffer data =
        message
            .slice(message.position() + count * Integer.BYTES, count * rowBytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    CpuStorage to = (CpuStorage) out.storage();
    for (int i = 0; i < count; i++) {
      data.limit(data.position() + rowBytes);
      to.write(out.offset() + (long) message.getInt() * width, data);
    }
  }

  /** {@code y[t]} becomes the sum of the rows of token t, in the order of its choices. */
  void combine(Tensor x, RowTensors rows, Tensor y) {
    int width = Math.toIntExact(x.shape().rowElements());
    Destinations from = new Destinations(rows);
    ByteBuffer[] fetched = fetch(x, from, width);
    int topK = rows.destinationRow().extent(1);
    RowSum sum = RowSum.of(y, width);
    for (int token = 0; token * topK < from.length; token++) {
      sum.clear();
      for (int choice = 0; choice < topK; choice++) {
        int peer = from.rank(token * topK + choice);
        if (peer >= 0) {
          sum.add(fetched[peer]);
        }
      }
      sum.store(token);
    }
  }

  /** Element {@code (t, i)} of {@code y} becomes the number of destination i of token t. */
  void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    Destinations from = new Destinations(rows);
    ByteBuffer[] fetched = fetch(x, from, 1);
    RowSum sum = RowSum.of(y, 1);
    for (int assignment = 0; assignment < from.length; assignment++) {
      sum.clear();
      int peer = from.rank(assignment);
      if (peer >= 0) {
        sum.add(fetched[peer]);
      }
      sum.store(assignment);
    }
  }

  /**
   * Asks every rank for the rows that this rank's assignments lie in, in the order of the
   * assignments.
   */
  private ByteBuffer[] fetch(Tensor x, Destinations from, int width) {
    int[] count = from.perRank(group.ranks());
    ByteBuffer[] requests = new ByteBuffer[group.ranks()];
    for (int peer = 0; peer < requests.length; peer++) {
      requests[peer] = TensorBytes.empty((long) count[peer] * Integer.BYTES);
    }
    for (int assignment = 0; assignment < from.length; assignment++) {
      int peer = from.rank(assignment);
      if (peer >= 0) {
        requests[peer].putInt(from.row(assignment));
      }
    }
    ByteBuffer[] answers = new ByteBuffer[group.ranks()];
    for (int peer = 0; peer < requests.length; peer++) {
      requests[peer].flip();
      if (peer != group.rank()) {
        group.send(peer, requests[peer]);
      }
    }
    for (int peer = 0; peer < requests.length; peer++) {
      if (peer == group.rank()) {
        answers[peer] = answer(requests[peer], x, width);
      } else {
        group.send(peer, answer(group.receive(peer), x, width));
      }
    }
    for (int peer = 0; peer < requests.length; peer++) {
      if (peer != group.rank()) {
        answers[peer] = group.receive(peer);
      }
    }
    return answers;
  }

  private static ByteBuffer answer(ByteBuffer request, Tensor x, int width) {
    int rowBytes = width * x.dtype().bytes();
    int count = request.remaining() / Integer.BYTES;
    ByteBuffer answer = TensorBytes.empty((long) count * rowBytes);
    CpuStorage from = (CpuStorage) x.storage();
    for (int i = 0; i < count; i++) {
      answer.limit(answer.position() + rowBytes);
      from.read(x.offset() + (long) request.getInt() * width, answer);
    }
    return answer.flip();
  }

  /** Destinations of this rank's assignments, in token order. */
  private static final class Destinations {
    private final int[] ranks;
    private final int[] rows;
    private final int firstRank;
    private final int firstRow;
    private final int length;

    Destinations(RowTensors tensors) {
      ranks = CpuMemory.ints(tensors.destinationRank());
      rows = CpuMemory.ints(tensors.destinationRow());
      firstRank = CpuMemory.offset(tensors.destinationRank());
      firstRow = CpuMemory.offset(tensors.destinationRow());
      length = (int) tensors.destinationRank().elements();
    }

    int rank(int assignment) {
      return ranks[firstRank + assignment];
    }

    int row(int assignment) {
      return rows[firstRow + assignment];
    }

    int[] perRank(int peers) {
      int[] count = new int[peers];
      for (int assignment = 0; assignment < length; assignment++) {
        if (rank(assignment) >= 0) {
          count[rank(assignment)]++;
        }
      }
      return count;
    }
  }
}
