#!/usr/bin/env python3
"""How fast a Jupyter kernel answers, with IPython in turns beside it.

    python3 tests/SpectralKD.Benchmarks/kernel.py [--rounds 300] [--starts 7] [KERNEL ...]

Needs jupyter_client, ipykernel and installed kernels (`spectralkd jupyter install`). Of each kernel, the first being the baseline:
from starting its process to the first cell's reply, and a warm `1+1` from request to reply, the first third of the rounds left out.
"""
import argparse
import statistics
import time

from jupyter_client.manager import start_new_kernel, KernelManager


def seconds(client):
    """From sending `1+1` to its reply. The outputs on iopub are read, so that they do not pile up, outside of the time."""
    begin = time.perf_counter()
    request = client.execute("1+1")
    while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != request:
        pass
    taken = time.perf_counter() - begin
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle":
            return taken


def start(kernel):
    manager = KernelManager(kernel_name=kernel)
    begin = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    request = client.execute("1+1")
    while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != request:
        pass
    taken = time.perf_counter() - begin
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return taken


def row(kernel, what, values, baseline, scale, unit):
    ordered = sorted(values)
    quartiles = f"{ordered[len(ordered) // 4] * scale:.2f} to {ordered[len(ordered) * 3 // 4] * scale:.2f}"
    ratio = statistics.median(values) / statistics.median(baseline)
    print(f"| {kernel} | {what} | {statistics.median(values) * scale:.2f} {unit} | {quartiles} | {ratio:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", default=["python3", "spectralkd"], metavar="KERNEL", help="[python3 spectralkd]")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--starts", type=int, default=7)
    arguments = parser.parse_args()
    starts = {kernel: [] for kernel in arguments.kernels}
    for _ in range(arguments.starts):
        for kernel in arguments.kernels:
            starts[kernel].append(start(kernel))

    running = {kernel: start_new_kernel(kernel_name=kernel) for kernel in arguments.kernels}
    try:
        turns = {kernel: [] for kernel in arguments.kernels}
        for _ in range(arguments.rounds):
            for kernel, (_, client) in running.items():
                turns[kernel].append(seconds(client))
    finally:
        for manager, client in running.values():
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    print("| kernel | what | median | quartiles | of the baseline |\n|---|---|---:|---:|---:|")
    for kernel in arguments.kernels:
        row(kernel, "start to first reply", starts[kernel], starts[arguments.kernels[0]], 1, "s")
    for kernel in arguments.kernels:
        warm = {name: values[len(values) // 3:] for name, values in turns.items()}
        row(kernel, "warm 1+1", warm[kernel], warm[arguments.kernels[0]], 1000, "ms")


if __name__ == "__main__":
    main()
