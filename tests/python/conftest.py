"""Nothing in the environment of whoever runs the tests reaches them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from insightframe.sandbox import Sandbox
from tap import Tap

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"}
    for name in list(os.environ):
        if name.startswith(("FLEX_", "FLOWXO_", "INSIGHTFRAME_", "TWILIO_")) or name.lower() in proxies:
            monkeypatch.delenv(name)
    # Nor does a profile file of theirs.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))


@pytest.fixture
def credentials(insights_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the sandbox, in the environment of this process and its children."""
    monkeypatch.setenv("FLEX_INSIGHTS_USERNAME", insights_sandbox.username)
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", insights_sandbox.password)
    monkeypatch.setenv("FLEX_INSIGHTS_WORKSPACE", insights_sandbox.workspace)
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", insights_sandbox.url)


@pytest.fixture
def tap(insights_sandbox: Sandbox) -> Iterator[Tap]:
    tap = Tap(insights_sandbox)
    yield tap
    tap.close()


Child = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Starts Python programs of the test's own, in a directory of their own, with their output in pipes."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *words],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()
