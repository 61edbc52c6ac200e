package io.antiphon.simulate;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Counts of tokens that each choose {@code topK} different experts. What a source rank has of a
 * layer at a step follows from seed, step, layer and rank alone, so samples can be made in any
 * order.
 */
public final class SyntheticWorkload implements SampleSource {
  private static final long DRAWS = 0x4567;

  /** W4: tokens of a rank in quarters of the mean, over the rank modulo four. */
  private static final int[] RAGGED_QUARTERS = {1, 3, 5, 7};

  private final WorkloadKind kind;
  private final WorkloadOptions options;
  private final Popularity popularity;
  private final ExpertPool everyone;
  private final ExpertPool[] steadyZipf;
  private long nextSample;

  /** Begins at its first step. */
  public SyntheticWorkload(WorkloadKind kind, WorkloadOptions options) {
    this.kind = kind;
    this.options = options;
    this.popularity =
        new Popularity(options.experts(), options.zipfExponent(), options.topK(), options.seed());
    this.everyone = block(0, 1, options.experts());
    this.steadyZipf = new ExpertPool[kind == WorkloadKind.ZIPF ? options.layers() : 0];
    Arrays.setAll(steadyZipf, layer -> ExpertPool.weighted(popularity.shares(layer)));
  }

  @Override
  public String description() {
    boolean zipf = kind == WorkloadKind.ZIPF || kind == WorkloadKind.DRIFT;
    return String.format(
        Locale.ROOT,
        "%s (%s%s), seed %d, %d tokens per rank, top-%d",
        kind.label(),
        kind.description(),
        zipf ? ", exponent " + options.zipfExponent() : "",
        options.seed(),
        options.tokens(),
        options.topK());
  }

  @Override
  public int ranks() {
    return options.ranks();
  }

  @Override
  public int experts() {
    return options.experts();
  }

  @Override
  public long size() {
    return (long) options.steps() * options.layers();
  }

  @Override
  public Optional<Sample> next() {
    if (nextSample == size()) {
      return Optional.empty();
    }
    long number = nextSample++;
    return Optional.of(
        new Drawn(number / options.layers(), Math.toIntExact(number % options.layers())));
  }

  @Override
  public void close() {}

  private final class Drawn implements Sample {
    private final long step;
    private final int layer;

    Drawn(long step, int layer) {
      this.step = step;
      this.layer = layer;
    }

    @Override
    public long step() {
      return step;
    }

    @Override
    public int layer() {
      return layer;
    }

    @Override
    public void fill(int[] counts) {
      SyntheticWorkload.this.fill(step, layer, counts);
    }
  }

  /** Writes the counts of a layer at a step, {@code [ranks, experts]}. */
  void fill(long step, int layer, int[] counts) {
    Arrays.fill(counts, 0);
    PoolOfToken pools = pools(step, layer);
    int[] lastToken = new int[options.experts()]; // which chose the expert
    for (int rank = 0; rank < options.ranks(); rank++) {
      int first = rank * options.experts();
      if (kind == WorkloadKind.W0) {
        roundRobin(rank, first, counts);
      } else {
        RandomStream random =
            RandomStream.of(options.seed(), DRAWS, kind.label().hashCode(), step, layer, rank);
        Arrays.fill(lastToken, -1);
        draw(tokens(rank), pools, random, lastToken, first, counts);
      }
    }
  }

  private void draw(
      int tokens,
      PoolOfToken pools,
      RandomStream random,
      int[] lastToken,
      int first,
      int[] counts) {
    int topK = options.topK();
    for (int token = 0; token < tokens; token++) {
      ExpertPool pool = pools.of(token);
      for (int choice = 0; choice < topK; choice++) {
        int expert = pool.draw(random);
        while (lastToken[expert] == token) {
          expert = pool.draw(random);
        }
        lastToken[expert] = token;
        counts[first + expert]++;
      }
    }
  }

  /** Tokens of all ranks in one line take the experts in turn. */
  private void roundRobin(int rank, int first, int[] counts) {
    long assignments = (long) options.tokens() * options.topK();
    long next = rank * assignments % options.experts();
    int all = (int) (assignments / options.experts());
    for (int expert = 0; expert < options.experts(); expert++) {
      counts[first + expert] = all;
    }
    for (long rest = assignments % options.experts(); rest > 0; rest--) {
      counts[first + (int) next]++;
      next = (next + 1) % options.experts();
    }
  }

  private int tokens(int rank) {
    return kind == WorkloadKind.W4
        ? (int) ((long) options.tokens() * RAGGED_QUARTERS[rank % RAGGED_QUARTERS.length] / 4)
        : options.tokens();
  }

  /** The pool that a token of a rank chooses from. */
  private interface PoolOfToken {
    ExpertPool of(int token);
  }

  private PoolOfToken pools(long step, int layer) {
    int experts = options.experts();
    int hot = options.hotExperts();
    return switch (kind) {
      case ZIPF -> always(steadyZipf[layer]);
      case DRIFT ->
          always(ExpertPool.weighted(popularity.shares(layer, step, options.driftSteps())));
      case W0, W4 -> always(everyone);
      case W1, W2 -> mostly(block(0, 1, hot));
      case W3 -> mostly(experts / 2 < options.topK() ? everyone : block(0, 2, experts / 2));
      case W5 ->
          always(
              experts - experts / 2 < options.topK()
                  ? everyone
                  : block(experts / 2, 1, experts - experts / 2));
      case W6 -> mostly(block((int) (step / 3 * hot % experts), 1, hot));
      case W7 -> {
        ExpertPool burst = block(0, 1, hot);
        yield step % 4 == 3 ? token -> token % 2 == 0 ? burst : everyone : always(everyone);
      }
    };
  }

  private static PoolOfToken always(ExpertPool pool) {
    return token -> pool;
  }

  /** Every fourth token chooses among all experts, the others from the hot ones. */
  private PoolOfToken mostly(ExpertPool hot) {
    return token -> token % 4 == 0 ? everyone : hot;
  }

  private ExpertPool block(int first, int stride, int size) {
    int[] block = new int[size];
    Arrays.setAll(block, i -> (first + i * stride) % options.experts());
    return ExpertPool.uniform(block);
  }
}
