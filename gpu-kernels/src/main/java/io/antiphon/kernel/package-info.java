/**
 * The CUDA backend: every operation on a device, one launcher per file of device code. Enqueues and
 * returns; nothing here waits for the device but {@link io.antiphon.tensor.HostIo}.
 */
@NullMarked
package io.antiphon.kernel;

import org.jspecify.annotations.NullMarked;
