/**
 * Checkpoints: safetensors shards that ranks write in parallel, and the manifest that makes them
 * one.
 */
@NullMarked
package io.antiphon.train.checkpoint;

import org.jspecify.annotations.NullMarked;
