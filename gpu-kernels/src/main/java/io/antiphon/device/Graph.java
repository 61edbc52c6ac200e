package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphGetNodes;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuGraphUpload;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUgraphNode;
import jcuda.driver.CUstreamCaptureMode;

/** Captured device work that is launched as a whole. */
public final class Graph implements AutoCloseable {
  private final Device device;
  private final CUgraph graph;
  private final CUgraphExec executable;
  private boolean closed;

  private Graph(Device device, CUgraph graph, CUgraphExec executable) {
    this.device = device;
    this.graph = graph;
    this.executable = executable;
  }

  /**
   * Captures what {@code work} enqueues on {@code stream}, and on streams that wait for it, without
   * running it. Streams that took part must be awaited by {@code stream} at the end.
   */
  public static Graph capture(Device device, Stream stream, Runnable work) {
    CudaCalls calls = device.calls();
    calls.check(
        "cuStreamBeginCapture",
        cuStreamBeginCapture(
            stream.handle(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "start to capture a step");
    CUgraph graph = new CUgraph();
    boolean captured = false;
    try {
      work.run();
      captured = true;
    } finally {
      int result = cuStreamEndCapture(stream.handle(), graph);
      if (captured) {
        calls.check("cuStreamEndCapture", result, "end the capture of a step");
      }
    }
    CUgraphExec executable = new CUgraphExec();
    calls.check(
        "cuGraphInstantiate", cuGraphInstantiate(executable, graph, 0), "prepare a captured step");
    calls.check(
        "cuGraphUpload", cuGraphUpload(executable, stream.handle()), "upload a captured step");
    return new Graph(device, graph, executable);
  }

  /** Enqueues the captured work. */
  public void launch(Stream stream) {
    stream.use();
    device
        .calls()
        .check("cuGraphLaunch", cuGraphLaunch(executable, stream.handle()), "launch a step");
  }

  /** Kernels, copies and the like in the graph. */
  public long nodes() {
    long[] count = new long[1];
    device
        .calls()
        .check(
            "cuGraphGetNodes",
            cuGraphGetNodes(graph, (CUgraphNode[]) null, count),
            "count the nodes of a step");
    return count[0];
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      device
          .releases()
          .now("cuGraphExecDestroy", () -> cuGraphExecDestroy(executable), "destroy a step");
      device.releases().now("cuGraphDestroy", () -> cuGraphDestroy(graph), "destroy a step");
    }
  }
}
