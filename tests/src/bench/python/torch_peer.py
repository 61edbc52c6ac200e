"""What PyTorch reaches at the shapes of docs/performance.md, on the GPU it runs on.

One JSON line per shape and routing skew, times in milliseconds (median):

  dense                 one bf16 matrix product with the FLOPs of the layer's forward: the practical ceiling
  fprop, dgrad, wgrad   both projections of the experts by torch._grouped_mm, offsets on the device
  layer                 router, top-k, permutation, experts, combination: forward and backward, replayed
                        from a CUDA graph; gradients of input, router and experts

Logits are a random projection of the input plus log(place^-skew); `counts` are the rows per expert, for
Antiphon's own benchmark to take.

  python3 torch_peer.py [--shapes mixtral,qwen3,dsv3] [--skew 0,1.2]
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


def moe_layer(x, router, gate_up, down, bias, top_k):
    """x [tokens, hidden]; router [experts, hidden]; gate_up [experts, hidden, 2 ffn]; down [experts, ffn, hidden]."""
    logits = x.float() @ router.float().t() + bias
    best, chosen = logits.topk(top_k, dim=-1)
    probs = best.softmax(-1)
    flat = chosen.reshape(-1)
    order = flat.argsort(stable=True)
    ends = functional.one_hot(flat, router.shape[0]).sum(0).cumsum(0).to(torch.int32)
    token = order // top_k
    rows = x.index_select(0, token)
    gate, up = torch._grouped_mm(rows, gate_up, offs=ends).chunk(2, -1)
    weighted = functional.silu(gate) * up * probs.reshape(-1)[order].unsqueeze(-1).to(rows.dtype)
    return torch.zeros_like(x).index_add(0, token, torch._grouped_mm(weighted, down, offs=ends))


def measure(name, skew):
    tokens, hidden, ffn, experts, top_k = SHAPES[name]
    forward_flop = 2 * tokens * top_k * 3 * hidden * ffn
    result = {"shape": name, "skew": skew, "gpu": torch.cuda.get_device_name(), "forward_tflop": forward_flop / 1e12}

    side = max(256, round((forward_flop / 2) ** (1 / 3)) // 256 * 256)
    left, right = normal(side, side), normal(side, side)
    ms = median_ms(lambda: left @ right)
    result["dense_tflops"] = 2 * side**3 / ms / 1e9

    bias = -skew * torch.log(torch.arange(1, experts + 1, device="cuda").float())
    x = normal(tokens, hidden).requires_grad_()
    router = (torch.randn(experts, hidden, device="cuda") / hidden**0.5).requires_grad_()
    gate_up = (normal(experts, hidden, 2 * ffn) / hidden**0.5).requires_grad_()
    down = (normal(experts, ffn, hidden) / ffn**0.5).requires_grad_()
    with torch.no_grad():
        chosen = (x.float() @ router.float().t() + bias).topk(top_k, -1)[1].reshape(-1)
        counts = torch.bincount(chosen, minlength=experts)
        ends = counts.cumsum(0).to(torch.int32)
    result["max_over_mean"] = (counts.max() / counts.float().mean()).item()
    result["counts"] = counts.tolist()

    rows = tokens * top_k
    wide, narrow, middle = normal(rows, hidden), normal(rows, 2 * ffn), normal(rows, ffn)
    with torch.no_grad():
        gate_up_t = gate_up.transpose(1, 2).contiguous().transpose(1, 2)
        down_t = down.transpose(1, 2).contiguous().transpose(1, 2)

        def fprop():
            torch._grouped_mm(wide, gate_up_t, offs=ends)
            torch._grouped_mm(middle, down_t, offs=ends)

        def dgrad():
            torch._grouped_mm(narrow, gate_up_t.transpose(1, 2), offs=ends)
            torch._grouped_mm(wide, down_t.transpose(1, 2), offs=ends)

        def wgrad():
            torch._grouped_mm(narrow.t(), wide, offs=ends)
            torch._grouped_mm(wide.t(), middle, offs=ends)

        for key, work in (("fprop", fprop), ("dgrad", dgrad), ("wgrad", wgrad)):
            ms = median_ms(captured(work))
            result[key + "_ms"] = ms
            result[key + "_tflops"] = forward_flop / ms / 1e9
    del wide, narrow, middle, left, right

    d_y = normal(tokens, hidden)

    def both():
        y = moe_layer(x, router, gate_up, down, bias, top_k)
        torch.autograd.grad(y, (x, router, gate_up, down), d_y)

    ms = median_ms(captured(both))
    result["layer_ms"] = ms
    result["layer_tflops"] = 3 * forward_flop / ms / 1e9
    print(json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in result.items()}), flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--shapes", default="mixtral,qwen3,dsv3")
    arguments.add_argument("--skew", default="0,1.2")
    options = arguments.parse_args()
    torch.manual_seed(0)
    for name in options.shapes.split(","):
        for skew in options.skew.split(","):
            measure(name, float(skew))


main()
