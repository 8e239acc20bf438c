"""The entry point of the command ``insightframe``; the command itself is native."""

import sys
from typing import NoReturn

from ._core import run_command


def main() -> NoReturn:
    """Runs the command with the words it was called with, and exits with its code."""
    # As `python -m insightframe` the first word would be the path of a file.
    sys.exit(run_command(["insightframe", *sys.argv[1:]]))
