"""What PyTorch reaches at the shapes of docs/performance.md, on the GPU it runs on.

One JSON line per shape and routing skew, times in milliseconds (median):

  dense                 one bf16 matrix product with the FLOPs of the layer's forward: the practical ceiling
  fprop, dgrad, wgrad   both projections of the experts by torch._grouped_mm, offsets on the device
  wgrad_added           wgrad, and an addition to gradients in fp32
  layer                 y = x + experts(rms_norm(x)), with router, top-k, permutation and combination: forward
                        and backward with gradients of input, norm, router and experts. Several ways of
                        writing and running it are timed (`layer_ways`); `layer_ms` is the fastest of them

Logits are a random projection of the input plus log(place^-skew); `counts` are the rows per expert, for
Antiphon's own benchmarks to take.

  python3 torch_peer.py [--shapes mixtral,qwen3,dsv3] [--skew 0,1.2] [--parts gemm,layer]
"""

import argparse
import json
import statistics

import torch
import torch.nn.functional as functional

# tokens, hidden, ffn, experts, choices per token
SHAPES = {
    "mixtral": (8192, 4096, 14336, 8, 2),
    "qwen3": (16384, 2048, 768, 128, 8),
    "dsv3": (8192, 7168, 2048, 32, 8),
}
REPEATS = 15
WARM_UP = 3
EPSILON = 1e-5


def median_ms(work):
    for _ in range(WARM_UP):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(REPEATS):
        start, end = torch.cuda.Event(True), torch.cuda.Event(True)
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def captured(work):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def normal(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


class Permute(torch.autograd.Function):
    """Row i of the result is x[order[i] // repeat]; backward gathers too, where autograd would add atomically."""

    @staticmethod
    def forward(context, x, order, inverse, repeat):
        context.save_for_backward(inverse)
        context.repeat = repeat
        return x[order // repeat]

    @staticmethod
    def backward(context, d_rows):
        (inverse,) = context.saved_tensors
        d_x = d_rows[inverse]
        if context.repeat > 1:
            d_x = d_x.unflatten(0, (-1, context.repeat)).sum(1)
        return d_x, None, None, None


class Combine(torch.autograd.Function):
    """The transpose of Permute: y[t] is the sum of the rows that came from token t."""

    @staticmethod
    def forward(context, rows, order, inverse, repeat):
        context.save_for_backward(order)
        context.repeat = repeat
        return rows[inverse].unflatten(0, (-1, repeat)).sum(1)

    @staticmethod
    def backward(context, d_y):
        (order,) = context.saved_tensors
        return d_y[order // context.repeat], None, None, None


def route(normed, router, bias, top_k):
    """Probabilities [assignments], the order that sorts assignments by expert, where each expert ends."""
    logits = functional.linear(normed, router).float() + bias
    best, chosen = logits.topk(top_k, dim=-1)
    places, order = chosen.reshape(-1).to(torch.uint8).sort(stable=True)
    experts = torch.arange(router.shape[0], device=places.device, dtype=places.dtype)
    ends = torch.searchsorted(places, experts, right=True).to(torch.int32)
    return best.softmax(-1).reshape(-1), order, ends


def experts_of(rows, row_probs, gate_up, down, ends):
    gate, up = torch._grouped_mm(rows, gate_up, offs=ends).chunk(2, -1)
    weighted = functional.silu(gate) * up * row_probs.unsqueeze(-1).to(rows.dtype)
    return torch._grouped_mm(weighted, down, offs=ends)


def layer_by_gathers(x, norm, router, gate_up, down, bias, top_k):
    """gate_up [experts, hidden, 2 ffn]; down [experts, ffn, hidden]; both may be transposed views."""
    normed = functional.rms_norm(x, (x.shape[1],), norm, EPSILON)
    probs, order, ends = route(normed, router, bias, top_k)
    inverse = torch.empty_like(order).scatter_(0, order, torch.arange(order.shape[0], device=order.device))
    rows = Permute.apply(normed, order, inverse, top_k)
    row_probs = Permute.apply(probs, order, inverse, 1)
    return x + Combine.apply(experts_of(rows, row_probs, gate_up, down, ends), order, inverse, top_k)


def layer_by_index_add(x, norm, router, gate_up, down, bias, top_k):
    """The same as it is written most often."""
    normed = functional.rms_norm(x, (x.shape[1],), norm, EPSILON)
    probs, order, ends = route(normed, router, bias, top_k)
    token = order // top_k
    rows = normed.index_select(0, token)
    row_probs = probs.index_select(0, order)
    return x.index_add(0, token, experts_of(rows, row_probs, gate_up, down, ends))


def layer_ways(x, parameters, bias, top_k, compiled):
    """Milliseconds of every way to run the layer; a way that fails has its error instead."""
    norm, router, gate_up, down = parameters
    d_y = normal(*x.shape)

    def both(layer):
        def work():
            y = layer(x, norm, router, gate_up.transpose(1, 2), down.transpose(1, 2), bias, top_k)
            torch.autograd.grad(y, (x, *parameters), d_y)

        return work

    ways = {
        "eager, index_add, graph": lambda: captured(both(layer_by_index_add)),
        "eager, gathers, graph": lambda: captured(both(layer_by_gathers)),
        "compiled, gathers": lambda: both(compiled),
        "compiled, gathers, graph": lambda: captured(both(compiled)),
    }
    results = {}
    for way, prepare in ways.items():
        try:
            results[way] = round(median_ms(prepare()), 4)
        except Exception as error:
            torch.cuda.synchronize()
            results[way] = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return results


def measure_gemms(result, rows, hidden, ffn, gate_up, down, ends):
    flop = result["forward_tflop"] * 1e12
    side = max(256, round((flop / 2) ** (1 / 3)) // 256 * 256)
    left, right = normal(side, side), normal(side, side)
    ms = median_ms(lambda: left @ right)
    result["dense_tflops"] = 2 * side**3 / ms / 1e9

    wide, narrow, middle = normal(rows, hidden), normal(rows, 2 * ffn), normal(rows, ffn)
    with torch.no_grad():

        def fprop():
            torch._grouped_mm(wide, gate_up.transpose(1, 2), offs=ends)
            torch._grouped_mm(middle, down.transpose(1, 2), offs=ends)

        def dgrad():
            torch._grouped_mm(narrow, gate_up, offs=ends)
            torch._grouped_mm(wide, down, offs=ends)

        def wgrad():
            torch._grouped_mm(narrow.t(), wide, offs=ends)
            torch._grouped_mm(wide.t(), middle, offs=ends)

        sums = [torch.zeros(gradient.shape, device="cuda") for gradient in (gate_up, down)]

        def wgrad_added():  # to fp32 sums of several micro-batches
            sums[0].add_(torch._grouped_mm(narrow.t(), wide, offs=ends))
            sums[1].add_(torch._grouped_mm(wide.t(), middle, offs=ends))

        passes = {"fprop": fprop, "dgrad": dgrad, "wgrad": wgrad, "wgrad_added": wgrad_added}
        for key, work in passes.items():
            ms = median_ms(captured(work))
            result[key + "_ms"] = ms
            result[key + "_tflops"] = flop / ms / 1e9


def measure(name, skew, parts, compiled):
    tokens, hidden, ffn, experts, top_k = SHAPES[name]
    result = {
        "shape": name,
        "skew": skew,
        "tokens": tokens,
        "hidden": hidden,
        "ffn": ffn,
        "experts": experts,
        "top_k": top_k,
        "gpu": torch.cuda.get_device_name(),
        "forward_tflop": 2 * tokens * top_k * 3 * hidden * ffn / 1e12,
    }
    bias = -skew * torch.log(torch.arange(1, experts + 1, device="cuda").float())
    x = normal(tokens, hidden).requires_grad_()
    norm = torch.ones(hidden, device="cuda", dtype=torch.bfloat16).requires_grad_()
    router = (normal(experts, hidden) / hidden**0.5).requires_grad_()
    gate_up = (normal(experts, 2 * ffn, hidden) / hidden**0.5).requires_grad_()
    down = (normal(experts, hidden, ffn) / ffn**0.5).requires_grad_()
    with torch.no_grad():
        normed = functional.rms_norm(x, (hidden,), norm, EPSILON)
        ends = route(normed, router, bias, top_k)[2]
        counts = torch.diff(ends, prepend=ends.new_zeros(1))
    result["max_over_mean"] = (counts.max() / counts.float().mean()).item()
    result["counts"] = counts.tolist()

    if "gemm" in parts:
        measure_gemms(result, tokens * top_k, hidden, ffn, gate_up, down, ends)
    if "layer" in parts:
        ways = layer_ways(x, (norm, router, gate_up, down), bias, top_k, compiled)
        times = {way: ms for way, ms in ways.items() if isinstance(ms, float)}
        result["layer_ways"] = ways
        if times:
            result["layer_by"] = min(times, key=times.get)
            result["layer_ms"] = times[result["layer_by"]]
            result["layer_tflops"] = 3 * result["forward_tflop"] / result["layer_ms"] * 1e3
    print(json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in result.items()}), flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--shapes", default="mixtral,qwen3,dsv3")
    arguments.add_argument("--skew", default="0,1.2")
    arguments.add_argument("--parts", default="gemm,layer")
    options = arguments.parse_args()
    torch.manual_seed(0)
    for name in options.shapes.split(","):
        compiled = torch.compile(layer_by_gathers, dynamic=False, fullgraph=True)
        for skew in options.skew.split(","):
            measure(name, float(skew), options.parts.split(","), compiled)


main()
