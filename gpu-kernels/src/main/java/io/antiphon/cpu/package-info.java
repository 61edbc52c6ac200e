/**
 * The CPU backend: fp32 over a BLAS library, and fp64 in plain Java as the oracle of every
 * operation.
 */
@NullMarked
package io.antiphon.cpu;

import org.jspecify.annotations.NullMarked;
