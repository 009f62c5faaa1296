#!/usr/bin/env bash
# Checks and measures on this machine's GPU (or the CPU), within eight minutes; everything goes into one JSON file.
#
#   run.sh [--device cuda|cpu] [--python PYTHON] [--out FILE]
#
# libtorch is that of the Python's PyTorch (2.10 or 2.11), or of the folder that SPECTRALKD_LIBTORCH names. Needs bash, a Python with torch, and for CUDA
# nvidia-smi. Exits with 1 where a check failed.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=cuda python=python3 out=gpu.json
while [ $# -gt 1 ]; do
    case $1 in
        --device) device=$2 ;;
        --python) python=$2 ;;
        --out) out=$2 ;;
        *) echo "run.sh: there is no option $1; there are --device, --python, --out" >&2; exit 2 ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }

if [ -z "${SPECTRALKD_LIBTORCH:-}" ]; then
    SPECTRALKD_LIBTORCH=$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))') \
        || { echo "run.sh: $python has no torch; name one by --python, or libtorch's folder by SPECTRALKD_LIBTORCH" >&2; exit 2; }
    export SPECTRALKD_LIBTORCH
fi
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
program="$here/bin/SpectralKD.Benchmarks"
peer=()
"$python" -c 'import torch' 2>/dev/null && peer=(--peer "$python")
batch=8
[ "$device" = cpu ] || batch=256

timeout 240 "$program" check --device "$device" --golden "$here/golden" --json "$parts/check.json"
checked=$?
timeout 230 "$program" forward step --device "$device" --batch "$batch" --rounds 3 --json "$parts/speed.json" "${peer[@]}"
measured=$?

field() { [ -f "$parts/$1.json" ] && cat "$parts/$1.json" || echo null; }
gpu=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
printf '{"gpu": "%s", "libtorch": "%s", "check": %s, "speed": %s}\n' "$gpu" "$SPECTRALKD_LIBTORCH" "$(field check)" "$(field speed)" > "$out"
echo "$out: check ended with $checked, speed with $measured"
[ "$checked" -eq 0 ] && [ "$measured" -eq 0 ]
