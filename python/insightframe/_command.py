"""The entry point of the command ``insightframe``; the command itself is native."""

import sys

from ._core import run_command


def main() -> int:
    """Runs the command with the words it was called with, and returns its exit code."""
    # As `python -m insightframe` the first word would be the path of a file.
    return run_command(["insightframe", *sys.argv[1:]])
