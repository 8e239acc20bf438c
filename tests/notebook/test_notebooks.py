"""The example notebooks run as they are, and show what is committed of them."""

import re
from pathlib import Path

import pytest
from notebooks import FOLDER, NAMES, executed, read, said


@pytest.mark.parametrize("name", NAMES)
def test_a_run_says_what_is_committed(name: str, tmp_path: Path) -> None:
    committed = said(read(name))
    assert any(outputs for _, outputs in committed), "run `make notebooks`"
    assert said(executed(name, tmp_path)) == committed
    assert list(tmp_path.iterdir()) == [], "a notebook leaves nothing behind"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_is_small_and_of_no_machine(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text()
    assert len(text) < 200_000
    notebook = read(name)
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))
    outputs = [str(output) for cell in notebook.cells for output in cell.get("outputs", [])]
    for place in (
        r"/(tmp|home|root|Users)/",
        r"127\.0\.0\.1",
        r"localhost",
        r"https?://",
        r"0x[0-9a-f]{6}",
    ):
        assert not any(re.search(place, output) for output in outputs), place
    # Neither a bar nor a widget is left, and none wrote to stderr.
    assert not any("widget" in output or "'stderr'" in output for output in outputs)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_all_are_named_where_they_are_looked_for() -> None:
    page = (FOLDER.parents[1] / "docs" / "notebooks.md").read_text()
    for name in NAMES:
        assert f"../examples/notebooks/{name}.ipynb" in page
