package io.antiphon.monitor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Means of per-step values over buckets of consecutive steps. A bucket starts as one step wide;
 * whenever there are too many, all widths double. So a run of any length stays drawable and costs
 * bounded memory, and a short one keeps every step.
 */
final class BucketedMeans {

  /** Sums over the steps {@code [index * width + 1, (index + 1) * width]} that were seen. */
  private static final class Bucket {
    long index;
    long steps;
    double stepSum;
    double[] sums;
    long[] counts;

    Bucket(long index, int fields) {
      this.index = index;
      sums = new double[fields];
      counts = new long[fields];
    }

    void add(Bucket other) {
      steps += other.steps;
      stepSum += other.stepSum;
      for (int field = 0; field < sums.length; field++) {
        sums[field] += other.sums[field];
        counts[field] += other.counts[field];
      }
    }
  }

  private final int maxBuckets;
  private final List<Bucket> buckets = new ArrayList<>();
  private int fields;
  private long width = 1;

  /**
   * @param maxBuckets at least 1
   * @param fields values per step
   */
  BucketedMeans(int maxBuckets, int fields) {
    if (maxBuckets < 1 || fields < 1) {
      throw new IllegalArgumentException(
          "maxBuckets and fields must be >= 1, were " + maxBuckets + " and " + fields);
    }
    this.maxBuckets = maxBuckets;
    this.fields = fields;
  }

  /**
   * Adds the values of one step; a value that is not finite does not count.
   *
   * @param step not before the last one added
   * @param values as many as there are fields, or more, which adds fields to the end
   */
  void add(long step, double[] values) {
    if (values.length > fields) {
      widen(values.length);
    }
    long index = Math.max(0, step - 1) / width;
    Bucket bucket = buckets.isEmpty() ? null : buckets.get(buckets.size() - 1);
    if (bucket == null || bucket.index < index) {
      bucket = new Bucket(index, fields);
      buckets.add(bucket);
    } else if (bucket.index > index) {
      throw new IllegalArgumentException("step " + step + " comes after a later one");
    }
    bucket.steps++;
    bucket.stepSum += step;
    for (int field = 0; field < values.length; field++) {
      if (Double.isFinite(values[field])) {
        bucket.sums[field] += values[field];
        bucket.counts[field]++;
      }
    }
    while (buckets.size() > maxBuckets) {
      doubleWidth();
    }
  }

  int size() {
    return buckets.size();
  }

  /** Steps per bucket. */
  long width() {
    return width;
  }

  /** Mean number of the steps in a bucket. */
  double step(int bucket) {
    return buckets.get(bucket).stepSum / buckets.get(bucket).steps;
  }

  /** Mean of a field over a bucket; NaN where it had no finite value. */
  double mean(int bucket, int field) {
    Bucket chosen = buckets.get(bucket);
    return chosen.counts[field] == 0 ? Double.NaN : chosen.sums[field] / chosen.counts[field];
  }

  int fields() {
    return fields;
  }

  private void widen(int newFields) {
    fields = newFields;
    for (Bucket bucket : buckets) {
      bucket.sums = Arrays.copyOf(bucket.sums, newFields);
      bucket.counts = Arrays.copyOf(bucket.counts, newFields);
    }
  }

  private void doubleWidth() {
    width = Math.multiplyExact(width, 2);
    List<Bucket> merged = new ArrayList<>(maxBuckets);
    for (Bucket bucket : buckets) {
      bucket.index /= 2;
      Bucket last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null && last.index == bucket.index) {
        last.add(bucket);
      } else {
        merged.add(bucket);
      }
    }
    buckets.clear();
    buckets.addAll(merged);
  }
}
