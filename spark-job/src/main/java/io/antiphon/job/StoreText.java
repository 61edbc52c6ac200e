package io.antiphon.job;

import io.antiphon.data.Split;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.run.RunText;
import io.antiphon.train.SequenceSource;

/**
 * The tokens of a packed store.
 *
 * @param store readable by every rank
 */
record StoreText(StoreLocation store) implements RunText {
  @Override
  public SequenceSource open(Split split) {
    return PackedStore.open(store, split);
  }

  @Override
  public long sequences(Split split) {
    return store.manifest().part(split).sequences();
  }

  @Override
  public double bytesPerToken(Split split) {
    return store.manifest().part(split).bytesPerToken();
  }
}
