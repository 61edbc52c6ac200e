package io.antiphon.data.etl;

import io.antiphon.data.SeededPermutation;
import io.antiphon.data.Split;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * The documents of one partition, packed: one row per sequence, with the place where it is stored.
 * A sequence that begins in one partition and ends in another comes as a fragment from each.
 */
final class FragmentRows implements Iterator<Row> {
  static final StructType SCHEMA =
      new StructType()
          .add("shard", DataTypes.IntegerType, false)
          .add("position", DataTypes.LongType, false)
          .add("first", DataTypes.IntegerType, false)
          .add("tokens", DataTypes.BinaryType, false);

  private final Iterator<StoredDocument> documents;
  private final PackingPlan plan;
  private final byte[] endOfText;
  private final Packer train;
  private final Packer validation;
  private final Deque<Row> ready = new ArrayDeque<>();
  private boolean finished;

  FragmentRows(Iterator<StoredDocument> documents, PackingPlan plan, int partition) {
    this.documents = documents;
    this.plan = plan;
    this.endOfText = plan.format().encode(new int[] {plan.endOfText()});
    this.train = new Packer(plan.train(), partition);
    this.validation = new Packer(plan.validation(), partition);
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !finished) {
      if (documents.hasNext()) {
        pack(documents.next());
      } else {
        train.emit();
        validation.emit();
        finished = true;
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void pack(StoredDocument document) {
    long tokens = document.tokens(plan.format().tokenBytes());
    plan.rule()
        .split(
            document,
            tokens,
            (split, start, end) -> {
              Packer packer = split == Split.TRAIN ? train : validation;
              append(packer, document, start, end);
              packer.append(endOfText, 0, 1);
            });
  }

  private void append(Packer packer, StoredDocument document, long start, long end) {
    int width = plan.format().tokenBytes();
    long segmentStart = 0;
    for (byte[] segment : document.segments()) {
      long segmentEnd = segmentStart + segment.length / width;
      long from = Math.max(start, segmentStart);
      long to = Math.min(end, segmentEnd);
      if (from < to) {
        packer.append(segment, (int) (from - segmentStart), (int) (to - from));
      }
      segmentStart = segmentEnd;
    }
  }

  /** Cuts a split's stream, from a partition's first token on, into sequences. */
  private final class Packer {
    private final PackingPlan.Layout layout;
    private final @Nullable SeededPermutation order;
    private final int width = plan.format().tokenBytes();
    private final int length = plan.format().sequenceLength();
    private final byte[] sequence = new byte[plan.format().sequenceBytes()];
    private long index;
    private int first; // token of the sequence at which this fragment begins
    private int filled; // tokens of the sequence up to which it is filled

    private Packer(PackingPlan.Layout layout, int partition) {
      this.layout = layout;
      this.order =
          layout.sequences() == 0
              ? null
              : new SeededPermutation(layout.sequences(), layout.orderSeed());
      long start = layout.firstToken().get(partition);
      index = start / length;
      first = (int) (start % length);
      if (start > 0 && first == 0) { // this token also ends the sequence before
        index--;
        first = length;
      }
      filled = first;
    }

    private void append(byte[] tokens, int from, int count) {
      int done = 0;
      while (done < count) {
        int fitting = Math.min(count - done, length + 1 - filled);
        System.arraycopy(tokens, (from + done) * width, sequence, filled * width, fitting * width);
        filled += fitting;
        done += fitting;
        if (filled == length + 1) {
          emit();
          System.arraycopy(sequence, length * width, sequence, 0, width);
          index++;
          first = 0;
          filled = 1;
        }
      }
    }

    private void emit() {
      if (order == null || filled == first || index >= layout.sequences()) {
        return;
      }
      long position = order.apply(index);
      byte[] part = Arrays.copyOfRange(sequence, first * width, filled * width);
      ready.add(RowFactory.create(layout.shardOf(position), position, first, part));
    }
  }
}
