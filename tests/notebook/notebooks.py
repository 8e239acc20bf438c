"""The example notebooks: executes them, and keeps their outputs small and the same everywhere.

As a program it executes all of them and writes their outputs into the files: `make notebooks`.
"""

import base64
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def executed(name: str, folder: Path) -> Any:
    """The notebook with the outputs of a run in `folder`."""
    notebook = read(name)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(notebook, timeout=120, record_timing=False, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        # A bar that was there leaves an output without anything in it; whether it was depends on the machine's haste.
        cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _small(output.data["image/png"])
    # What the kernel says of itself differs from one Python to the next.
    notebook.metadata = read(name).metadata
    return notebook


def _small(png: str) -> str:
    """The same picture with a palette: a third of the size, and no colour is off by more than an eye could see."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    image = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    kept = io.BytesIO()
    image.save(kept, "PNG", optimize=True)
    return base64.b64encode(kept.getvalue()).decode()


def said(notebook: Any) -> list[tuple[str, list[Any]]]:
    """What each cell says, without what differs from run to run: seconds. Of pictures, that there is one."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(cell.id, [_said(output) for output in cell.outputs]) for cell in cells]


def _said(output: Any) -> Any:
    if output.output_type == "stream":
        return output.name, output.text
    if output.output_type == "error":
        return output.ename, output.evalue
    shown = {kind: "a picture" if kind == "image/png" else _timeless(text) for kind, text in output.data.items()}
    if "image/png" in shown:
        # Altair's words for a chart have its address in memory.
        del shown["text/plain"]
    return shown


def _timeless(text: str) -> str:
    return re.sub(r"^seconds .*", "seconds …", text, flags=re.MULTILINE)


def main() -> int:
    for name in sys.argv[1:] or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(name, Path(folder)), FOLDER / f"{name}.ipynb")
    return 0


if __name__ == "__main__":
    sys.exit(main())
