/** What a backend offers the model: tensors, operations, collectives and a step recorded once. */
@NullMarked
package io.antiphon.tensor;

import org.jspecify.annotations.NullMarked;
