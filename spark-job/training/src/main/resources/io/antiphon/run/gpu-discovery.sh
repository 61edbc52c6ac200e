#!/bin/sh
# Prints the GPUs of this machine as Spark wants to hear it: {"name": "gpu", "addresses": ["0", "1"]}.
# For spark.worker.resource.gpu.discoveryScript (standalone), or spark.executor.resource.gpu.discoveryScript
# (YARN, Kubernetes). If CUDA_VISIBLE_DEVICES is set, these are the GPUs it names, under the names it has.
set -eu

if [ -n "${CUDA_VISIBLE_DEVICES:-}" ]; then
  gpus="$(printf '%s\n' "$CUDA_VISIBLE_DEVICES" | tr ',' '\n')"
else
  command -v nvidia-smi >/dev/null || {
    echo "gpu-discovery: there is no nvidia-smi on the PATH; is the NVIDIA driver installed?" >&2
    exit 1
  }
  gpus="$(nvidia-smi --query-gpu=index --format=csv,noheader)" || {
    echo "gpu-discovery: nvidia-smi failed; does the NVIDIA driver work?" >&2
    exit 1
  }
fi

addresses="$(printf '%s\n' "$gpus" | sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d' -e 's/.*/"&"/' |
  paste -s -d ',' -)"
if [ -z "$addresses" ]; then
  echo "gpu-discovery: this machine has no GPU" >&2
  exit 1
fi
printf '{"name": "gpu", "addresses": [%s]}\n' "$addresses"
