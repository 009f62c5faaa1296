#!/usr/bin/env python3
"""Makes the README's pictures: docs/u-curve.png by u-curve.dib, docs/page.png and docs/jupyter.png from the first notebook, as
`spectralkd run` leaves it and in classic Notebook with our kernel.

Needs a build, Chromium, ImageMagick and Debian's python3-notebook. Run with Debian's Python: /usr/bin/python3 docs/screenshots.py
"""
import asyncio
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01-first-spectrum.ipynb"
COMMAND = ROOT / "src" / "SpectralKD.Cli" / "bin" / "Debug" / "net10.0" / "SpectralKD.Cli"
sys.path.insert(0, str(ROOT / "tests" / "SpectralKD.Cli.Tests" / "Jupyter"))
import run_in_classic_notebook as classic  # noqa: E402

SIZE = "1000,860"
# The last chart stands at the bottom of the picture, with the code and the table above it.
SCROLL = "[...document.querySelectorAll('.js-plotly-plot')].pop().scrollIntoView({block: 'end'})"


def browser():
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    return found or sys.exit("no Chromium and no Chrome on the path")


async def photograph(address, picture, port):
    async def tab():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            return next((page for page in json.load(answer) if page["type"] == "page"), None)

    target = await classic.until("the browser's start", 60, tab)
    page = classic.Page(await classic.websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28))
    await page.call("Page.navigate", url=address)
    await classic.until("the charts", 60, lambda: page.value("document.querySelectorAll('.js-plotly-plot .plot-container').length >= 2"))
    await page.value(SCROLL)
    await asyncio.sleep(1)
    picture.write_bytes(base64.b64decode((await page.call("Page.captureScreenshot", format="png"))["data"]))


def of_page(folder, picture):
    subprocess.run([COMMAND, "run", NOTEBOOK, "--out", folder], check=True)
    port, profile = classic.free_port(), folder / "profile"
    chromium = subprocess.Popen(
        [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", f"--window-size={SIZE}",
         f"--user-data-dir={profile}", f"--remote-debugging-port={port}", "--remote-allow-origins=*", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(photograph((folder / "01-first-spectrum.html").as_uri(), picture, port))
    finally:
        chromium.terminate()
        chromium.wait(20)


def of_classic_notebook(folder, picture):
    os.environ["JUPYTER_DATA_DIR"] = str(folder / "jupyter")
    subprocess.run([COMMAND, "jupyter", "install"], check=True)
    copy = shutil.copy(NOTEBOOK, folder / "01-first-spectrum.ipynb")
    classic.main("spectralkd", str(copy), browser(), str(picture))


def quantise(raw, picture):
    subprocess.run(["convert", raw, "-strip", "+dither", "-colors", "128", f"PNG8:{picture}"], check=True)
    print(picture, picture.stat().st_size)


def main():
    subprocess.run([COMMAND, "run", "docs/u-curve.dib"], check=True, cwd=ROOT)
    quantise(ROOT / "docs" / "u-curve.png", ROOT / "docs" / "u-curve.png")
    for name, make in (("page", of_page), ("jupyter", of_classic_notebook)):
        with tempfile.TemporaryDirectory() as folder:
            raw = pathlib.Path(folder) / "raw.png"
            make(pathlib.Path(folder), raw)
            quantise(raw, ROOT / "docs" / f"{name}.png")


if __name__ == "__main__":
    main()
