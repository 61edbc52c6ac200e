# Sourced by the tools that have the CUDA driver load a library of this folder. They need gcc or nvcc, if the library is
# not compiled yet, and libcupti of CUDA 12 or 13 on LD_LIBRARY_PATH, below /usr/local/cuda*, or below a folder of
# ANTIPHON_CUDA_PATH.

# The library of that name, compiled into the folder if it must be.
injected_library() { # name, folder
  local here
  here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
  if [ -f "$here/$1.so" ]; then
    echo "$here/$1.so"
    return
  fi
  if command -v gcc >/dev/null; then
    gcc -O2 -Wall -shared -fPIC "$here/$1.c" -o "$2/$1.so" -ldl
  else
    nvcc -O2 -shared -Xcompiler -fPIC "$here/$1.c" -o "$2/$1.so" -ldl
  fi
  echo "$2/$1.so"
}

# LD_LIBRARY_PATH, and before it the folder of libcupti where one is found.
with_cupti() {
  local place places found
  IFS=: read -r -a places <<<"${ANTIPHON_CUDA_PATH:-}"
  for place in ${places[@]+"${places[@]}"} /usr/local/cuda*; do
    [ -d "$place" ] || continue
    found="$(find -L "$place" -name 'libcupti.so.1[23]' -print -quit 2>/dev/null || true)"
    if [ -n "$found" ]; then
      echo "$(dirname "$found"):${LD_LIBRARY_PATH:-}"
      return
    fi
  done
  echo "${LD_LIBRARY_PATH:-}"
}
