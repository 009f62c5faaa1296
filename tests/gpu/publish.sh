#!/usr/bin/env bash
# Makes one archive that a Linux machine with an NVIDIA GPU, Python and PyTorch can run without .NET:
#
#   tests/gpu/publish.sh [ARCHIVE]          here; makes spectralkd-gpu.tar.xz (about 45 MB; libtorch is not inside)
#   tar xf spectralkd-gpu.tar.xz && spectralkd-gpu/run.sh          there
set -euo pipefail
archive=$(realpath -m "${1:-spectralkd-gpu.tar.xz}")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder="$work/spectralkd-gpu"
dotnet publish tests/SpectralKD.Benchmarks -c Release -r linux-x64 --self-contained -p:BringsLibTorch=false \
    -p:InvariantGlobalization=true -p:DebugType=none -o "$folder/bin" >&2
mkdir -p "$folder/golden"
cp -r tests/golden/small tests/golden/training "$folder/golden/"
cp tests/gpu/run.sh "$folder/"
tar -C "$work" -cJf "$archive" spectralkd-gpu
size=$(stat -c %s "$archive")
echo "$archive: $((size / 1000000)) MB" >&2
[ "$size" -lt 60000000 ] || { echo "$archive is over 60 MB" >&2; exit 1; }
