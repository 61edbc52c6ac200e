package io.antiphon.job.barrier;

import io.antiphon.conf.Settings;
import io.antiphon.job.transport.RankPlaces;
import io.antiphon.train.DevicePlace;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * Which GPU a rank uses: the one that Spark gave its task, or on a machine where Spark gives out
 * none, because all ranks are threads of one process, the one of its turn.
 *
 * @param addresses of the GPUs that Spark gave to the task, as the discovery script printed them
 * @param visible CUDA_VISIBLE_DEVICES of the process; empty if it is not set
 * @param shared process that may use the machine's GPUs as it likes
 * @param localRank position of the rank among those of its process
 * @param localRanks ranks of its process
 */
public record GpuAddress(
    List<String> addresses, String visible, boolean shared, int localRank, int localRanks) {
  /** Name of the resource. */
  static final String RESOURCE = "gpu";

  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

  public GpuAddress {
    addresses = List.copyOf(addresses);
  }

  /** The address that Spark gave to the task of this thread. */
  static GpuAddress of(TaskContext context, RankPlaces places) {
    Map<String, ResourceInformation> resources = context.resourcesJMap();
    ResourceInformation gpu = resources.get(RESOURCE);
    List<Integer> here = places.ranksOf(places.byRank().get(places.rank()).process());
    // Only a local master has ranks that listen nowhere.
    boolean local = places.byRank().get(places.rank()).host().isEmpty();
    return new GpuAddress(
        gpu == null ? List.of() : List.of(gpu.addresses()),
        visibleDevices(),
        local,
        here.indexOf(places.rank()),
        here.size());
  }

  private static String visibleDevices() {
    String value = System.getenv(VISIBLE);
    return value == null ? "" : value;
  }

  /** The device, as this process counts them. */
  public DevicePlace place(Settings settings) {
    if (shared && addresses.isEmpty()) {
      return DevicePlace.onThisMachine(settings, localRank, localRanks);
    }
    if (addresses.isEmpty()) {
      return DevicePlace.without(
          "Spark gave the task none. Ask for them with spark.executor.resource.gpu.amount, and tell"
              + " the workers of theirs with spark.worker.resource.gpu.amount and .discoveryScript"
              + " (see docs/operations.md)");
    }
    String address = addresses.get(0);
    OptionalInt ordinal = ordinal(address);
    int each = sharing(settings);
    return ordinal.isPresent()
        ? new DevicePlace(ordinal, "", Math.min(localRanks, each))
        : DevicePlace.without(
            "Spark gave the task GPU "
                + address
                + ", which this process does not see ("
                + VISIBLE
                + " is '"
                + visible
                + "')");
  }

  /** On a cluster of this machine an executor has one GPU, unless told otherwise. */
  private int sharing(Settings settings) {
    int each = settings.backend().ranksPerGpu();
    return each == 0 && settings.spark().cluster() > 0 ? localRanks : Math.max(1, each);
  }

  /**
   * CUDA counts the devices that it is allowed to see, in the order in which they are named; the
   * script names them as nvidia-smi does, or as the variable does where it was set for the worker.
   */
  private OptionalInt ordinal(String address) {
    if (!visible.isBlank()) {
      List<String> names = Arrays.stream(visible.split(",", -1)).map(String::strip).toList();
      int place = names.indexOf(address);
      return place < 0 ? OptionalInt.empty() : OptionalInt.of(place);
    }
    return address.matches("[0-9]{1,4}")
        ? OptionalInt.of(Integer.parseInt(address))
        : OptionalInt.empty();
  }
}
