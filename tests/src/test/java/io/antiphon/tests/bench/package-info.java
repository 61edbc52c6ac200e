/** Benchmarks; see docs/performance.md. */
@NullMarked
package io.antiphon.tests.bench;

import org.jspecify.annotations.NullMarked;
