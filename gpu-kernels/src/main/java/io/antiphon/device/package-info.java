/**
 * One CUDA device: memory, streams, events, graphs, kernels compiled at run time, and the few
 * libraries of the CUDA toolkit that are needed. The only user of JCuda; JavaCPP stands in for what
 * JCuda lacks. Every CUDA call is checked and counted.
 */
@NullMarked
package io.antiphon.device;

import org.jspecify.annotations.NullMarked;
