/** Typed, validated settings read from HOCON files, presets and command-line overrides. */
@NullMarked
package io.antiphon.conf;

import org.jspecify.annotations.NullMarked;
