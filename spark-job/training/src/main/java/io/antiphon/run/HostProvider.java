package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.FileOpener;
import io.antiphon.trace.RoutingTrace;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Consumer;

/**
 * The places where runs can be hosted. It alone decides whether Spark is there: the module that
 * brings Spark names its provider in a service file. Without such a file, ranks are threads.
 */
public interface HostProvider {
  /** The provider of this process: what is on its class path, or else {@link ThreadHosts}. */
  static HostProvider here() {
    return ServiceLoader.load(HostProvider.class).findFirst().orElseGet(ThreadHosts::new);
  }

  /**
   * Version of Spark, where that hosts the runs.
   *
   * @throws io.antiphon.comm.EnvironmentException if no run works with it
   */
  Optional<String> sparkVersion();

  /** One line for the user of a training run; empty if there is nothing to say. */
  String note();

  /**
   * Fails if a run cannot be trained here.
   *
   * @throws io.antiphon.conf.ConfigException if the settings ask for what this host has not
   */
  void requireTrainable(Settings settings);

  /** Whether a path without a scheme is one of this machine. */
  boolean readsLocalFiles(Settings settings);

  /** Opens files that settings name. */
  FileOpener files();

  /** Opens the checkpoints that settings name, in this process. */
  CheckpointOpener checkpoints();

  /**
   * Opens routing counts that were recorded as a table.
   *
   * @throws io.antiphon.trace.TraceException if there are none, or no table can be read here
   */
  RoutingTrace routingTable(String path);

  /**
   * Opens a host for one run.
   *
   * @param tell takes lines about what takes long
   * @throws io.antiphon.conf.ConfigException if the settings do not fit the machine or the cluster
   */
  RunHost open(Settings settings, Path runDirectory, Consumer<String> tell)
      throws InterruptedException;
}
