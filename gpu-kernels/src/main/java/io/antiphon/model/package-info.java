/** The transformer with its MoE layers: forward and backward, written once over the tensor seam. */
@NullMarked
package io.antiphon.model;

import org.jspecify.annotations.NullMarked;
