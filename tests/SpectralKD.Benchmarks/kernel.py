#!/usr/bin/env python3
"""What a Jupyter kernel takes, with IPython in turns beside it.

    python3 tests/SpectralKD.Benchmarks/kernel.py [--rounds 300] [--starts 7] [--cells 500] [KERNEL ...]

Needs Linux, jupyter_client, ipykernel and installed kernels (`spectralkd jupyter install`). Of each kernel, the first being the baseline, in
wall time and in the CPU time of the kernel's process (all of its threads):
from starting the process to the first result; a warm `1+1` from request to idle, in blocks of 20 rounds by turns, the first third left out;
completion of a member, and inspection, after 1, 50, 100, 200 and 500 cells that each declare a variable, where the first completion is told
apart; and the memory of the process before and after those cells and their completions. On a machine that others use too, look at the CPU.
"""
import argparse
import statistics
import time

from jupyter_client.manager import start_new_kernel, KernelManager

BLOCK = 20
STEPS = [1, 50, 100, 200, 500]
# A cell that declares a variable, what is completed, a match that must be among the answers, and what is inspected at its end.
LANGUAGES = {
    "python": ("variable{0} = {0}", "str.form", "format", "print"),
    "C#": ("var variable{0} = {0};", "Console.Wr", "Write", "Console.WriteLine"),
}


class Kernel:
    def __init__(self, name):
        self.name = name
        self.manager, self.client = start_new_kernel(kernel_name=name)
        self.process = process_of(self.manager)
        language = self.manager.kernel_spec.language
        self.declaration, self.completed, self.match, self.inspected = LANGUAGES[language]

    def cpu(self):
        return cpu_seconds(self.process)

    def memory(self):
        with open(f"/proc/{self.process}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def settle(self):
        """Waits until the process does nothing any more: what it prepares in the background is not the next request's."""
        quiet = 0
        for _ in range(400):
            before = self.cpu()
            time.sleep(0.1)
            quiet = quiet + 1 if self.cpu() - before < 0.004 else 0
            if quiet == 5:
                return

    def answer(self, request):
        """The reply to a request; iopub is read up to its idle."""
        while True:
            reply = self.client.get_shell_msg(timeout=120)
            if reply["parent_header"].get("msg_id") == request:
                break
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle":
                return reply["content"]

    def timed(self, send):
        """Wall and CPU seconds of one request, and its reply."""
        cpu, begin = self.cpu(), time.perf_counter()
        reply = self.answer(send())
        return time.perf_counter() - begin, self.cpu() - cpu, reply

    def run(self, code):
        reply = self.answer(self.client.execute(code))
        assert reply["status"] == "ok", reply

    def complete(self):
        wall, cpu, reply = self.timed(lambda: self.client.complete(self.completed))
        assert any(match.endswith(self.match) for match in reply["matches"]), reply["matches"][:5]
        return wall, cpu

    def inspect(self):
        wall, cpu, reply = self.timed(lambda: self.client.inspect(self.inspected))
        assert reply["found"], reply
        return wall, cpu

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def process_of(manager):
    provisioner = getattr(manager, "provisioner", None)
    return provisioner.pid if provisioner is not None else manager.kernel.pid


def cpu_seconds(process):
    """Of all threads, those that ended too, by the process's CPU clock (clock_getcpuclockid)."""
    return time.clock_gettime((~process << 3) | 2)


def start(name):
    manager = KernelManager(kernel_name=name)
    begin = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    request = client.execute("1+1")
    while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != request:
        pass
    taken = time.perf_counter() - begin, cpu_seconds(process_of(manager))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return taken


def block(kernel):
    """Wall seconds of each of some rounds, and the CPU of one on average."""
    cpu = kernel.cpu()
    walls = []
    for _ in range(BLOCK):
        begin = time.perf_counter()
        kernel.answer(kernel.client.execute("1+1"))
        walls.append(time.perf_counter() - begin)
    return [(wall, (kernel.cpu() - cpu) / BLOCK) for wall in walls]


def growth(kernel, cells):
    """Rows of completion, inspection and memory while cells come; each a list of (wall, CPU)."""
    rows = {}
    kernel.run("1+1")
    kernel.settle()
    before = kernel.memory()
    first = kernel.complete()
    rows["first completion"] = [first]
    count = 0
    for step in [step for step in STEPS if step <= cells]:
        begin = kernel.cpu()
        added = step - count
        while count < step:
            count += 1
            kernel.run(kernel.declaration.format(count))
        rows[f"cell before {step}"] = [(0, (kernel.cpu() - begin) / added)]
        kernel.settle()
        rows[f"completion after {step} cells"] = [kernel.complete() for _ in range(7)]
        rows[f"inspection after {step} cells"] = [kernel.inspect() for _ in range(7)]
    kernel.settle()
    return rows, before, kernel.memory()


def print_rows(what, rows, baseline, scale, unit):
    """One row a kernel; rows: kernel -> list of (wall, CPU)."""
    reference = [statistics.median(column) for column in zip(*rows[baseline])]
    for kernel, values in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*values))
        ordered = sorted(value[0] for value in values)
        quartiles = f"{ordered[len(ordered) // 4] * scale:.2f} to {ordered[len(ordered) * 3 // 4] * scale:.2f}"
        ratios = " | ".join(f"{value / other:.2f}" if other else "" for value, other in zip((wall, cpu), reference))
        print(f"| {kernel} | {what} | {wall * scale:.2f} {unit} | {quartiles} | {cpu * scale:.2f} {unit} | {ratios} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", default=["python3", "spectralkd"], metavar="KERNEL", help="[python3 spectralkd]")
    parser.add_argument("--rounds", type=int, default=300, help="rounds of 1+1 [300]")
    parser.add_argument("--starts", type=int, default=7, help="[7]")
    parser.add_argument("--cells", type=int, default=500, help="most cells before a completion; 0: none [500]")
    arguments = parser.parse_args()
    baseline = arguments.kernels[0]
    print("| kernel | what | wall | quartiles | CPU | wall / baseline | CPU / baseline |\n|---|---|---:|---:|---:|---:|---:|", flush=True)
    starts = {name: [] for name in arguments.kernels}
    for _ in range(arguments.starts):
        for name in arguments.kernels:
            starts[name].append(start(name))
    if arguments.starts:
        print_rows("start to first result", starts, baseline, 1, "s")

    if arguments.rounds:
        kernels = [Kernel(name) for name in arguments.kernels]
        try:
            blocks = {kernel.name: [] for kernel in kernels}
            for _ in range(arguments.rounds // BLOCK):
                for kernel in kernels:
                    blocks[kernel.name].append(block(kernel))
        finally:
            for kernel in kernels:
                kernel.close()
        warm = {name: sum(values[len(values) // 3:], []) for name, values in blocks.items()}
        print_rows("warm 1+1", warm, baseline, 1000, "ms")

    if arguments.cells:
        found = {}
        for name in arguments.kernels:
            kernel = Kernel(name)
            try:
                found[name] = growth(kernel, arguments.cells)
            finally:
                kernel.close()
        for what in found[baseline][0]:
            print_rows(what, {name: rows[what] for name, (rows, _, _) in found.items()}, baseline, 1000, "ms")
        for name, (_, before, after) in found.items():
            print(f"| {name} | memory before and after | {before:.0f} to {after:.0f} MB | | | | |")


if __name__ == "__main__":
    main()
