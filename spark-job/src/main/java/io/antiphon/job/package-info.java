/**
 * The Spark job: driver, barrier task, rendezvous, failure policy and collectives between
 * executors.
 */
@NullMarked
package io.antiphon.job;

import org.jspecify.annotations.NullMarked;
