"""Executes a notebook by nbclient, Jupyter's own runner, and compares its outputs with those that `spectralkd run` left.

Arguments: kernel, notebook, the copy that `spectralkd run` executed, where to write this one. Exits with 0 where they agree.
Not compared: identifiers of elements, times, rates and memory, names of temporary folders, curves over seconds, the scripts inside HTML (the figures are compared as JSON),
and bars of progress, which are there only where a command has taken half a second.
"""
import html
import json
import os
import re
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

TIME = re.compile(r"\d[\d.,:]*\s*(ms|s|sec|min|h|MB|images/s|steps/s|\w+/s)\b|\bspectralkd-\w{6}\b")
BAR = re.compile("[\u2588\u2591]{20} ")
PLOTLY = "application/vnd.plotly.v1+json"


def text_of(value):
    return "".join(value) if isinstance(value, list) else value


def without_times(text):
    return re.sub(r"#( #)+", "#", re.sub(r"\s+", " ", TIME.sub("#", text))).strip()  # 53 s, 1 min 08 s


def words_of(page):
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return without_times(html.unescape(re.sub(r"<[^>]+>", " ", page)))


def comparable(output):
    kind = output["output_type"]
    if kind == "stream":
        return {"kind": output["name"], "text": without_times(text_of(output["text"]))}
    if kind == "error":
        return {"kind": kind, "name": output["ename"], "message": output["evalue"]}
    data = {}
    for mime, value in output["data"].items():
        if mime == PLOTLY:
            data[mime] = value if "Seconds" not in json.dumps(value["layout"].get("xaxis")) else [trace.get("name") for trace in value["data"]]
        elif mime.startswith("image/"):
            data[mime] = len(value) > 0
        else:
            data[mime] = words_of(text_of(value)) if mime == "text/html" else without_times(text_of(value))
    return {"kind": kind, "data": data}


def comparable_outputs(cell):
    """A front end gets console text in as many pieces as it likes: neighbours are one."""
    merged = []
    for output in cell.outputs:
        if output["output_type"] == "display_data" and BAR.search(text_of(output["data"].get("text/plain", ""))):
            continue
        if merged and output["output_type"] == "stream" and merged[-1]["output_type"] == "stream" and merged[-1]["name"] == output["name"]:
            merged[-1] = {**merged[-1], "text": text_of(merged[-1]["text"]) + text_of(output["text"])}
        else:
            merged.append(output)
    return [comparable(output) for output in merged]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def differences(ours, theirs):
    for number, (one, other) in enumerate(zip(code_cells(ours), code_cells(theirs), strict=True), start=1):
        if one.source != other.source:
            yield f"code cell {number}: other code"
            continue
        left, right = [comparable_outputs(cell) for cell in (one, other)]
        if len(left) != len(right):
            yield f"code cell {number}: {len(left)} outputs through Jupyter, {len(right)} through spectralkd run"
        for position, (a, b) in enumerate(zip(left, right), start=1):
            if a != b:
                yield (f"code cell {number}, output {position}:\n  Jupyter:        {json.dumps(a)[:600]}\n"
                       f"  spectralkd run: {json.dumps(b)[:600]}")


def main(kernel, path, executed, out):
    notebook = nbformat.read(path, as_version=4)
    surroundings = {"metadata": {"path": os.path.dirname(os.path.abspath(path))}}
    try:
        NotebookClient(notebook, kernel_name=kernel, timeout=1800, startup_timeout=120, resources=surroundings).execute()
    except CellExecutionError as error:
        print(f"{path}: {error}")
        return 1
    finally:
        nbformat.write(notebook, out)
    found = list(differences(notebook, nbformat.read(executed, as_version=4)))
    charts = sum(PLOTLY in output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs)
    print("\n".join(found) if found else f"{path}: the same outputs through Jupyter, {charts} charts among them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
