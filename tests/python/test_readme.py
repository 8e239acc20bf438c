"""The example of the README is the first file of the examples, and does what stands there."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "first_report.py"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_example_of_the_readme_is_the_file() -> None:
    code = EXAMPLE.read_text()
    docstring = ast.parse(code).body[0]
    assert code.splitlines()[docstring.end_lineno :] == ["", *block("python").splitlines()]


def test_it_prints_what_the_readme_shows() -> None:
    result = subprocess.run([sys.executable, EXAMPLE], check=True, capture_output=True, encoding="utf-8")
    assert result.stdout == block("text")
