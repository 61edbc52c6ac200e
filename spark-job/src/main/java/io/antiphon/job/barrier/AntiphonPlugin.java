package io.antiphon.job.barrier;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.jspecify.annotations.Nullable;

/**
 * Messages from ranks to the driver over Spark's own channel; switched on by {@code spark.plugins}.
 */
public final class AntiphonPlugin implements SparkPlugin {
  private static final AtomicReference<PluginContext> EXECUTOR = new AtomicReference<>();

  /** Channel of this executor to the driver. */
  static PluginContext channel() {
    PluginContext context = EXECUTOR.get();
    if (context == null) {
      throw new IllegalStateException(
          "spark.plugins does not name " + AntiphonPlugin.class.getName() + " on this executor");
    }
    return context;
  }

  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() {
      @Override
      public Map<String, String> init(SparkContext spark, PluginContext context) {
        return Map.of();
      }

      @Override
      public @Nullable Object receive(Object message) {
        RankMessage.Answer answer = DriverMailbox.receive((RankMessage) message);
        boolean asked =
            message instanceof RankMessage.StopQuestion || message instanceof RankMessage.Failure;
        return asked ? answer : null;
      }
    };
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void init(PluginContext context, Map<String, String> configuration) {
        EXECUTOR.set(context);
      }
    };
  }
}
