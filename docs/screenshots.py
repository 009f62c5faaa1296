#!/usr/bin/env python3
"""Makes the pictures of the pages again. Names of what to make are arguments; none makes all:

gallery   notebooks/README.md with a picture of each lesson in notebooks/pictures, and docs/front.png, the README's, from the pages that
          `spectralkd run` leaves in notebooks/executed (a lesson that has none there is executed first); `gallery 09` makes that lesson's picture alone
u-curve   docs/u-curve.png by u-curve.dib
page      docs/page.png, the first lesson's page
jupyter   docs/jupyter.png, the first lesson in classic Notebook with our kernel

Needs a build, Chromium, Debian's python3-pil, python3-tornado and, for jupyter, python3-notebook. Run with Debian's Python: /usr/bin/python3 docs/screenshots.py gallery
"""
import asyncio
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
LESSONS = ROOT / "notebooks"
FIRST = LESSONS / "01-first-spectrum.ipynb"
COMMAND = ROOT / "src" / "SpectralKD.Cli" / "bin" / "Debug" / "net10.0" / "SpectralKD.Cli"
sys.path.insert(0, str(ROOT / "tests" / "SpectralKD.Cli.Tests" / "Jupyter"))
import run_in_classic_notebook as classic  # noqa: E402

SIZE = (1000, 860)
# Which figure of a lesson stands for it, from 0; of a lesson that is not named, the last.
SHOWN = {"02": 0, "03": 0, "04": 2, "05": -6, "06": 2, "08": 2, "11": 0}
FRONT = ["02", "03", "05", "09"]
FIGURES = "[...document.querySelectorAll('.outputs .output')].filter(o => o.matches('.chart') || o.querySelector('figure svg'))"
CHARTS = "[...document.querySelectorAll('.outputs .chart')]"
DRAWN = f"document.readyState === 'complete' && {CHARTS}.every(chart => chart.querySelector('.plot-container'))"


def browser():
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    return found or sys.exit("no Chromium and no Chrome on the path")


@contextlib.asynccontextmanager
async def tab(width, height):
    """A page of a headless browser of its own."""
    port = classic.free_port()

    async def opened():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            return next((page for page in json.load(answer) if page["type"] == "page"), None)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = subprocess.Popen(
            [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", f"--window-size={width},{height}",
             f"--user-data-dir={profile}", f"--remote-debugging-port={port}", "--remote-allow-origins=*", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            target = await classic.until("the browser's start", 60, opened)
            yield classic.Page(await classic.websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28))
        finally:
            chromium.terminate()
            chromium.wait(20)


async def open_page(page, path):
    await page.call("Page.navigate", url=path.as_uri())
    await classic.until(f"the charts of {path.name}", 60, lambda: page.value(DRAWN))
    await asyncio.sleep(1)


async def photograph(page, picture, clip=None):
    options = {"clip": clip, "captureBeyondViewport": True} if clip else {}
    picture.write_bytes(base64.b64decode((await page.call("Page.captureScreenshot", format="png", **options))["data"]))


def quantise(image, picture, *, width=None, colours=128):
    """Writes a small PNG, as wide as asked for, of few colours; None keeps all."""
    image = image if isinstance(image, Image.Image) else Image.open(image)
    image = image.convert("RGB")
    if width:
        image = image.resize((width, round(image.height * width / image.width)), Image.LANCZOS)
    if colours:
        image = image.quantize(colours, method=Image.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(picture, optimize=True)
    print(picture.relative_to(ROOT), picture.stat().st_size)


def side_by_side(pictures, width, height, margin=10):
    """Two pictures a row, each within width x height, on white."""
    sheet = Image.new("RGB", (2 * (width + margin) + margin, (len(pictures) + 1) // 2 * (height + margin) + margin), "white")
    for place, picture in enumerate(pictures):
        image = Image.open(picture).convert("RGB")
        image.thumbnail((width, height), Image.LANCZOS)
        corner = [margin + (width + margin) * (place % 2), margin + (height + margin) * (place // 2)]
        sheet.paste(image, (corner[0] + (width - image.width) // 2, corner[1] + (height - image.height) // 2))
    return sheet


def execute(notebook, folder):
    page = folder / f"{notebook.stem}.html"
    if not page.exists():
        subprocess.run([COMMAND, "run", notebook, "--out", folder], check=True, cwd=ROOT)
    return page


async def figures(pages, folder):
    """One figure of each page, as wide as the picture wants it."""
    async with tab(780, 900) as page:
        for path in pages:
            await open_page(page, path)
            count = await page.value(f"{FIGURES}.length")
            which = SHOWN.get(path.name[:2], -1) % count
            box = json.loads(await page.value(
                f"(r => JSON.stringify({{x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height}}))({FIGURES}[{which}].getBoundingClientRect())"))
            await photograph(page, folder / f"{path.stem}.png", {**box, "height": min(box["height"], 800), "scale": 1.5})


def words(notebook):
    """A lesson's title, and what it shows and takes, by the table in its first cell."""
    text = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"])
    title = re.search("^# (.+)$", text, re.MULTILINE).group(1)
    shows, takes = (re.search(rf"^\| \*\*{row}\*\* \| (.+) \|$", text, re.MULTILINE).group(1) for row in ("Shows", "Takes"))
    return title, shows[0].upper() + shows[1:], takes


def gallery(numbers):
    notebooks = sorted(LESSONS.glob("[0-9]*.ipynb"))
    drawn = [notebook for notebook in notebooks if not numbers or notebook.stem[:2] in numbers]
    pages = [execute(notebook, LESSONS / "executed") for notebook in drawn]
    pictures = LESSONS / "pictures"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        asyncio.run(figures(pages, folder))
        for notebook in drawn:
            quantise(folder / f"{notebook.stem}.png", pictures / f"{notebook.stem}.png", width=560, colours=128)
        if set(FRONT) <= {notebook.stem[:2] for notebook in drawn}:
            chosen = [next(folder.glob(f"{number}-*.png")) for number in FRONT]
            quantise(side_by_side(chosen, 620, 380), ROOT / "docs" / "front.png", colours=None)
    lines = ["# Lessons", "",
             "Each runs as it stands, without a network: `spectralkd run notebooks/01-first-spectrum.ipynb`, or in Jupyter with the kernel *C# (SpectralKD)*. Parameters take your images and full-size models. "
             "Durations are those of two CPU cores. This page is made by docs/screenshots.py from the executed lessons.", "",
             "| | |", "|---|---|"]
    for notebook in notebooks:
        title, shows, takes = words(notebook)
        lines.append(f"| [![{title}](pictures/{notebook.stem}.png)]({notebook.name}) | **[{notebook.stem[:2]} {title}]({notebook.name})**<br>{shows}.<br>*Takes {takes.replace(' on two CPU cores with the defaults', '')}.* |")
    (LESSONS / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def first_page(raw):
    async with tab(*SIZE) as page:
        await open_page(page, execute(FIRST, LESSONS / "executed"))
        # The last chart stands at the bottom of the picture, with the code and the table above it.
        await page.value(f"{CHARTS}.pop().scrollIntoView({{block: 'end'}})")
        await asyncio.sleep(1)
        await photograph(page, raw)


def of_classic_notebook(folder, picture):
    os.environ["JUPYTER_DATA_DIR"] = str(folder / "jupyter")
    subprocess.run([COMMAND, "jupyter", "install"], check=True)
    copy = shutil.copy(FIRST, folder / FIRST.name)
    classic.main("spectralkd", str(copy), browser(), str(picture))


def main(names):
    numbers = [name for name in names if name.isdigit()]
    unknown = set(names) - set(numbers) - {"gallery", "u-curve", "page", "jupyter"}
    if unknown:
        sys.exit(f"nothing is called {', '.join(sorted(unknown))}\n{__doc__}")
    if not names or "gallery" in names:
        gallery(numbers)
    if not names or "u-curve" in names:
        subprocess.run([COMMAND, "run", "docs/u-curve.dib"], check=True, cwd=ROOT)
        quantise(ROOT / "docs" / "u-curve.png", ROOT / "docs" / "u-curve.png")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if not names or "page" in names:
            asyncio.run(first_page(folder / "page.png"))
            quantise(folder / "page.png", ROOT / "docs" / "page.png", colours=None)
        if not names or "jupyter" in names:
            of_classic_notebook(folder, folder / "jupyter.png")
            quantise(folder / "jupyter.png", ROOT / "docs" / "jupyter.png")


if __name__ == "__main__":
    main(sys.argv[1:])
