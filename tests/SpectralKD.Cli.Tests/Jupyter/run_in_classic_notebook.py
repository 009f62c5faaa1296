"""Opens a notebook in classic Jupyter Notebook in headless Chromium, runs every cell as a reader would, and counts the charts drawn.

Arguments: kernel, notebook (a copy: it is saved), browser, screenshot to write. Prints one line of JSON: cells, executed, errors, plots.
"""
import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request

from tornado.websocket import websocket_connect

START = "Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected() ? (Jupyter.notebook.execute_all_cells(), true) : false"
STATE = """JSON.stringify((cells => ({
    cells: cells.length,
    executed: cells.filter(c => typeof c.input_prompt_number === 'number').length,
    errors: cells.flatMap(c => c.output_area.outputs).filter(o => o.output_type === 'error').map(o => o.evalue),
    plots: document.querySelectorAll('.js-plotly-plot .plot-container').length
}))(Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code' && c.get_text().trim())))"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(what, seconds, attempt):
    for _ in range(int(seconds * 4)):
        try:
            found = await attempt()
            if found:
                return found
        except (OSError, KeyError):
            pass
        await asyncio.sleep(0.25)
    raise TimeoutError(f"{what} did not happen within {seconds} s")


class Page:
    """A page of the browser, by the Chrome DevTools protocol."""

    def __init__(self, socket):
        self.socket, self.count = socket, 0

    async def call(self, method, **parameters):
        self.count += 1
        await self.socket.write_message(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self.socket.read_message())
            if message.get("id") == self.count:
                return message["result"]

    async def value(self, expression):
        return (await self.call("Runtime.evaluate", expression=expression))["result"].get("value")


async def drive(kernel, notebook, debugger, server, screenshot):
    async def page():
        with urllib.request.urlopen(f"http://127.0.0.1:{debugger}/json") as answer:
            return next((p for p in json.load(answer) if p["type"] == "page"), None)

    async def served():
        with urllib.request.urlopen(f"http://127.0.0.1:{server}/api") as answer:
            return answer.status == 200

    await until("Jupyter's start", 60, served)
    target = await until("the browser's start", 60, page)
    tab = Page(await websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28))
    await tab.call("Page.navigate", url=f"http://127.0.0.1:{server}/notebooks/{os.path.basename(notebook)}?kernel_name={kernel}")
    await until("the kernel's start", 90, lambda: tab.value(f"typeof Jupyter !== 'undefined' && Jupyter.notebook ? {START} : false"))

    async def done():
        state = json.loads(await tab.value(STATE))
        return state if state["errors"] or state["executed"] == state["cells"] else None

    state = await until("the end of all cells", 600, done)
    await asyncio.sleep(2)
    state = json.loads(await tab.value(STATE))
    await tab.value("document.querySelector('.js-plotly-plot').scrollIntoView({block: 'end'})")
    with open(screenshot, "wb") as file:
        file.write(base64.b64decode((await tab.call("Page.captureScreenshot", format="png"))["data"]))
    print(json.dumps(state))


def main(kernel, notebook, browser, screenshot):
    server, debugger, profile = free_port(), free_port(), tempfile.mkdtemp()
    jupyter = subprocess.Popen(
        [sys.executable, "-m", "notebook", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={server}", "--port-retries=0",
         "--NotebookApp.token=", "--NotebookApp.password=", "--NotebookApp.disable_check_xsrf=True",
         f"--notebook-dir={os.path.dirname(os.path.abspath(notebook))}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    chromium = subprocess.Popen(
        [browser, "--headless", "--disable-gpu", "--no-first-run", "--window-size=1200,1000", f"--user-data-dir={profile}",
         f"--remote-debugging-port={debugger}", "--remote-allow-origins=*", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
         *(["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []), "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(drive(kernel, notebook, debugger, server, screenshot))
    finally:
        for process in (chromium, jupyter):
            process.terminate()
            process.wait(20)
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
