package io.antiphon.data.etl;

import io.antiphon.data.store.StoreLocation;
import io.antiphon.data.store.StoreManifest;
import io.antiphon.data.tokenizer.TokenizerDescription;
import java.time.Duration;

/**
 * A packed token store, ready to be read.
 *
 * @param location where ranks open it
 * @param manifest what it holds
 * @param tokenizer that made its tokens
 * @param reused whether an earlier run had built it
 * @param elapsed time spent on building or checking it
 */
public record PreparedTokens(
    StoreLocation location,
    StoreManifest manifest,
    TokenizerDescription tokenizer,
    boolean reused,
    Duration elapsed) {}
