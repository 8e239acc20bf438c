"""``python -m insightframe`` is the command ``insightframe``."""

from ._command import main

if __name__ == "__main__":
    raise SystemExit(main())
