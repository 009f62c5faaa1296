#!/usr/bin/env bash
# Makes a machine with the .NET 10 SDK ready: Jupyter, the build, the command spectralkd, our kernel in Jupyter's list.
# The containers run it once when they are made; .ci/run runs it before everything else.
# Argument: the folder for the command [~/.local/bin]. JUPYTER_DATA_DIR is honoured.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${1:-$HOME/.local/bin}

# Classic Notebook in the browser (python3 -m notebook), and nbclient. VS Code needs neither.
packages="python3-notebook python3-nbclient"
if command -v apt-get >/dev/null && ! dpkg -s $packages >/dev/null 2>&1; then
    root=
    [ "$(id -u)" = 0 ] || root="sudo -n"
    { $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >&2 ||
        echo "$packages could not be installed: VS Code's own Jupyter works, classic Notebook is not there" >&2
fi

dotnet build SpectralKD.Interactive.sln -p:ProgramAhead=true

mkdir -p "$bin"
ln -sf "$PWD/src/SpectralKD.Cli/bin/Debug/net10.0/SpectralKD.Cli" "$bin/spectralkd"
"$bin/spectralkd" jupyter install
"$bin/spectralkd" device
