package io.antiphon.data.etl;

import io.antiphon.data.Mix64;
import io.antiphon.data.Split;
import io.antiphon.data.store.ShardFormat;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Where every token goes: computed on the driver from counts per partition alone.
 *
 * @param format of the shards
 * @param endOfText id appended to every piece
 * @param rule that splits documents
 * @param train layout of the training split
 * @param validation layout of the validation split
 */
record PackingPlan(
    ShardFormat format, int endOfText, SplitRule rule, Layout train, Layout validation)
    implements Serializable {
  private static final long SHARD_BYTES = 64L << 20;
  private static final long TRAIN_ORDER = 4;
  private static final long VALIDATION_ORDER = 5;

  /**
   * One split.
   *
   * @param firstToken of each partition in the split's stream of tokens
   * @param sequences stored
   * @param shardSequences sequences per shard; the last may have fewer
   * @param firstShard number of its first shard among those of both splits
   * @param orderSeed of the permutation from stream to stored order
   */
  record Layout(
      List<Long> firstToken, long sequences, long shardSequences, int firstShard, long orderSeed)
      implements Serializable {

    int shards() {
      return Math.toIntExact((sequences + shardSequences - 1) / shardSequences);
    }

    int shardOf(long position) {
      return firstShard + Math.toIntExact(position / shardSequences);
    }

    /** First position of a shard, counted among those of both splits. */
    long firstPosition(int shard) {
      return (shard - firstShard) * shardSequences;
    }

    /** Sequences of a shard, counted among those of both splits. */
    long sequencesOf(int shard) {
      return Math.min(shardSequences, sequences - firstPosition(shard));
    }
  }

  static PackingPlan of(
      ShardFormat format, int endOfText, SplitRule rule, List<SplitCounts> partitions) {
    Layout train = layout(Split.TRAIN, format, rule, partitions, 0);
    Layout validation = layout(Split.VALIDATION, format, rule, partitions, train.shards());
    return new PackingPlan(format, endOfText, rule, train, validation);
  }

  Layout layout(Split split) {
    return split == Split.TRAIN ? train : validation;
  }

  int shards() {
    return train.shards() + validation.shards();
  }

  Split splitOf(int shard) {
    return shard < train.shards() ? Split.TRAIN : Split.VALIDATION;
  }

  private static Layout layout(
      Split split,
      ShardFormat format,
      SplitRule rule,
      List<SplitCounts> partitions,
      int firstShard) {
    List<Long> firstToken = new ArrayList<>();
    SplitCounts.Part all = SplitCounts.Part.NOTHING;
    for (SplitCounts partition : partitions) {
      firstToken.add(all.tokens());
      all = all.plus(partition.part(split));
    }
    long shardSequences = Math.max(1, SHARD_BYTES / format.sequenceBytes());
    long orderSeed = Mix64.of(rule.seed(), split == Split.TRAIN ? TRAIN_ORDER : VALIDATION_ORDER);
    long sequences = all.sequences(rule.sequenceLength());
    return new Layout(firstToken, sequences, shardSequences, firstShard, orderSeed);
  }
}
