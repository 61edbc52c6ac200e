package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Rows of the embedding table and their gradient: embedding.cu. */
final class EmbeddingKernels implements OpParts.Embedding {
  private final CudaQueue queue;
  static final int THREADS = 256;
  static final int SORT_THREADS = 1024;
  static final int TILE = 4096;
  static final int ADD_THREADS = 64;
  static final int ADD_COLUMNS = 4;
  static final int ADD_PLACES = 8;
  static final int RUN_BYTES = 16;

  private final Device device;
  private final Kernel embed;
  private final Kernel sort;
  private final Kernel link;
  private final Kernel add;

  EmbeddingKernels(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    device = kernels.device();
    KernelModule module = kernels.load(source(real));
    embed = module.kernel("embed<" + CudaType.of(real) + ">");
    sort = module.kernel("sort_tokens");
    link = module.kernel("link_runs");
    add = module.kernel("add_token_rows<" + CudaType.of(real) + ">");
  }

  static KernelSource source(DType real) {
    String type = CudaType.of(real);
    return new KernelSource(
        "embedding.cu",
        List.of("embed<" + type + ">", "sort_tokens", "link_runs", "add_token_rows<" + type + ">"),
        KernelSource.Target.PORTABLE);
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    Stream stream = queue.forOperation();
    if (out.elements() == 0) {
      return;
    }
    embed.launch(
        stream,
        Grid.striding(ids.elements() * 32, THREADS, device),
        new Arguments()
            .address(CudaStorage.address(ids))
            .address(CudaStorage.address(table))
            .i64(ids.elements())
            .i64(table.shape().extent(0))
            .i64(table.shape().extent(1))
            .address(CudaStorage.address(out)));
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    Stream stream = queue.forOperation();
    if (dOut.elements() == 0) {
      return;
    }
    long tokens = ids.elements();
    int tiles = Math.toIntExact((tokens + TILE - 1) / TILE);
    int places = Math.multiplyExact(tiles, TILE);
    long sorted = stream.scratch((long) places * (Long.BYTES + RUN_BYTES));
    long runs = sorted + (long) places * Long.BYTES;
    sort.launch(
        stream,
        Grid.of(tiles, SORT_THREADS),
        new Arguments().address(CudaStorage.address(ids)).i64(tokens).address(sorted));
    link.launch(
        stream,
        Grid.of((places + THREADS - 1) / THREADS, THREADS),
        new Arguments().address(sorted).i32(tiles).i64(dTable.shape().extent(0)).address(runs));
    long hidden = dTable.shape().extent(1);
    int columnBlocks =
        Math.toIntExact((hidden + ADD_THREADS * ADD_COLUMNS - 1) / (ADD_THREADS * ADD_COLUMNS));
    add.launch(
        stream,
        new Grid(places / ADD_PLACES, columnBlocks, 1, ADD_THREADS),
        new Arguments()
            .address(sorted)
            .address(runs)
            .address(CudaStorage.address(dOut))
            .i64(hidden)
            .address(CudaStorage.address(dTable)));
  }
}
