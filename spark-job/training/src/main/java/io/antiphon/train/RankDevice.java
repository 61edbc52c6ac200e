package io.antiphon.train;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.cpu.CpuBackend;
import io.antiphon.device.CubinCache;
import io.antiphon.device.Cuda;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.OutOfDeviceMemory;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.DeviceTrial;
import io.antiphon.model.Groups;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.transport.Transport;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One rank's device with its groups.
 *
 * @param backend computes
 * @param groups communicate
 * @param sharing ranks of this process that share the device
 * @param abandon ends whatever waits for other ranks on the device, with the reason; from any
 *     thread
 */
public record RankDevice(Backend backend, Groups groups, int sharing, Consumer<String> abandon)
    implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankDevice.class);

  /** Steps a GPU is given ahead of the one whose record is awaited. */
  static final int GPU_LAG = 2;

  /** Opens the device of a rank whose process has this machine's GPUs and all ranks. */
  public static RankDevice open(Settings settings, Transport transport) {
    return open(
        settings,
        transport,
        DevicePlace.onThisMachine(settings, transport.rank(), transport.ranks()));
  }

  /**
   * Opens the device that {@code settings.backend} names. All ranks do so together: what {@code
   * auto} chooses is the same on all of them.
   *
   * @throws ConfigException if this machine does not have it
   */
  public static RankDevice open(Settings settings, Transport transport, DevicePlace place) {
    return switch (settings.backend().kind()) {
      case CPU -> cpu(CpuBackend.f32(settings.backend().threadsPerRank()), settings, transport);
      case CPU_F64 -> cpu(CpuBackend.f64(), settings, transport);
      case CUDA -> cuda(settings, transport, place);
      case AUTO -> auto(settings, transport, place);
    };
  }

  private static RankDevice cpu(CpuBackend backend, Settings settings, Transport transport) {
    Groups groups =
        Groups.of(
            transport.rank(),
            transport.ranks(),
            settings.parallelism().expertParallel(),
            members -> backend.collectives(transport, members));
    return new RankDevice(backend, groups, 1, reason -> {});
  }

  private static RankDevice auto(Settings settings, Transport transport, DevicePlace place) {
    Optional<String> whyNot = AutoChoice.agree(transport, whyNoGpu(settings, place));
    if (transport.rank() == 0) {
      LOG.info(
          "backend.kind = auto: computing on {}",
          whyNot
              .map(reason -> "the CPU, because there is no GPU to use: " + firstSentence(reason))
              .orElse("the GPU, because every rank has one"));
    }
    return whyNot.isPresent()
        ? cpu(CpuBackend.f32(settings.backend().threadsPerRank()), settings, transport)
        : cuda(settings, transport, place);
  }

  /**
   * The reason without the places that were searched: those are said by {@code doctor}, and where
   * the settings insist on a GPU.
   */
  private static String firstSentence(String reason) {
    return reason.split("\\. ", 2)[0];
  }

  /**
   * Why a rank cannot compute on a GPU; empty if it can. An NVIDIA driver alone is not enough: many
   * machines have one, for their screens, without CUDA's libraries.
   */
  private static Optional<String> whyNoGpu(Settings settings, DevicePlace place) {
    if (place.gpu().isEmpty()) {
      return Optional.of(place.whyNone());
    }
    Optional<String> unavailable = Cuda.whyNoDevice();
    if (unavailable.isPresent()) {
      return unavailable;
    }
    try (Device device = Device.open(place.gpu().getAsInt())) {
      DeviceTrial trial = new DeviceTrial(device);
      trial.kernel(new CubinCache(settings.backend().kernelFolder()));
      trial.product();
      return Optional.empty();
    } catch (DeviceException | OutOfDeviceMemory e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static RankDevice cuda(Settings settings, Transport transport, DevicePlace place) {
    if (place.gpu().isEmpty()) {
      throw noGpu(settings, place.whyNone());
    }
    CudaBackend backend;
    try {
      backend =
          CudaBackend.open(
              place.gpu().getAsInt(), computeType(settings), settings.backend().kernelFolder());
    } catch (DeviceException e) {
      if (e.sticky()) {
        throw e;
      }
      throw noGpu(settings, String.valueOf(e.getMessage()));
    }
    try {
      CudaGroups groups = CudaGroups.open(backend, settings, transport, place.sharing());
      return new RankDevice(backend, groups.groups(), place.sharing(), groups::abandon);
    } catch (RuntimeException | Error e) {
      try {
        backend.close();
      } catch (RuntimeException more) {
        e.addSuppressed(more);
      }
      throw e;
    }
  }

  /** Type in which a GPU computes. */
  static DType computeType(Settings settings) {
    return switch (settings.backend().precision()) {
      case BF16 -> DType.BF16;
      case FP32 -> DType.F32;
    };
  }

  /**
   * Fails early, before any rank starts, if the ranks, which will run on this machine, cannot open
   * their devices.
   *
   * @throws ConfigException if CUDA is demanded and cannot be had; the message says what is missing
   */
  public static void requireAvailable(Settings settings) {
    if (settings.backend().kind() == io.antiphon.conf.Backend.Kind.CUDA) {
      Cuda.whyNoDevice()
          .or(() -> whyNoCompiler(settings))
          .ifPresent(
              reason -> {
                throw noGpu(settings, reason);
              });
    }
  }

  private static Optional<String> whyNoCompiler(Settings settings) {
    try {
      new CubinCache(settings.backend().kernelFolder()).compilerVersion();
      return Optional.empty();
    } catch (DeviceException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static ConfigException noGpu(Settings settings, String reason) {
    return new ConfigException(
        List.of(
            new Problem(
                "settings",
                0,
                "backend.kind",
                settings.backend().kind().name().toLowerCase(Locale.ROOT),
                "there is no GPU to use: " + reason,
                "antiphon doctor with the same settings says what is missing; or set backend.kind"
                    + " to cpu or auto")));
  }

  /**
   * Logs, on a GPU, the memory plan of the run before any of it is allocated.
   *
   * @throws Backend.OutOfMemory if it cannot fit
   */
  public void planMemory(Settings settings, ModelSetup setup) {
    if (!(backend instanceof CudaBackend cuda)) {
      return;
    }
    MemoryPlan plan = MemoryPlan.onGpu(settings, setup);
    if (groups.world().rank() == 0) {
      LOG.info(
          "memory plan of each of {} ranks in GiB, {} on a GPU: {}",
          groups.world().ranks(),
          sharing,
          plan);
    }
    Device device = cuda.device();
    plan.shortage(settings, device.toString(), device.memory(), sharing, 1)
        .ifPresent(
            shortage -> {
              throw new Backend.OutOfMemory(shortage);
            });
    device.heap().advise(plan.advice(settings));
  }

  /**
   * Tells all ranks that this one failed. Before the device closes: peers that wait on it for this
   * rank would hold it up, and its own work may wait for them.
   *
   * @param transport of this rank, given up with the failure's message
   */
  public void fail(Transport transport, Throwable failure) {
    String reason = "rank " + transport.rank() + " failed: " + failure.getMessage();
    transport.abort(reason);
    abandon.accept(reason);
  }

  /** Steps to launch beyond the one whose record is awaited. */
  public int lag() {
    return backend instanceof CudaBackend ? GPU_LAG : 0;
  }

  /** Calls of CUDA's functions made by this rank so far, by name; empty on the CPU. */
  Map<String, Long> cudaCalls() {
    return backend instanceof CudaBackend cuda ? cuda.cudaCalls().counts() : Map.of();
  }

  @Override
  public void close() {
    backend.close();
  }
}
