"""Kernels of the tests' own, as a notebook has them, and the sandbox that their cells talk to."""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from insightframe.sandbox import Sandbox


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of whoever runs the tests reaches a kernel: neither credentials nor settings of Jupyter."""
    home = tmp_path_factory.mktemp("jupyter")
    kept = dict(os.environ)
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"}
    for name in list(os.environ):
        if name.startswith(("FLEX_", "FLOWXO_", "INSIGHTFRAME_", "TWILIO_")) or name.lower() in proxies:
            del os.environ[name]
    folders = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "XDG_CONFIG_HOME")
    os.environ.update({name: str(home / name) for name in folders})
    yield
    os.environ.clear()
    os.environ.update(kept)


@dataclass
class Outcome:
    """What a cell came to."""

    status: str
    error: str = ""
    traceback: str = ""
    text: str = ""
    """What it printed."""
    warned: str = ""
    """What it wrote to stderr."""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """What it displayed, and its result, as MIME bundles."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    """What it put into the place of what it had displayed."""


class Kernel:
    """A real kernel, and the messages that a notebook would exchange with it."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.manager.start_kernel(stderr=self.log)
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def close(self, *, now: bool = True) -> None:
        """Kills it, or lets it end as a notebook does that is shut down."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=now)
        self.log.close()

    def logged(self) -> str:
        """What the process wrote to its own stderr, which no cell shows."""
        self.log.seek(0)
        return self.log.read()

    def begin(self, code: str) -> str:
        """Sends a cell, and doesn't wait for it."""
        return self.client.execute(code)

    def end(self, cell: str, seconds: float = 60) -> Outcome:
        """Waits for the cell's end, and gathers what it said."""
        reply = self.reply(cell, seconds)
        outcome = Outcome(reply["status"], reply.get("ename", ""))
        outcome.traceback = "\n".join(reply.get("traceback", []))
        while True:
            message = self.client.get_iopub_msg(timeout=seconds)
            content, kind = message["content"], message["msg_type"]
            if message["parent_header"].get("msg_id") != cell:
                continue
            if kind == "stream" and content["name"] == "stdout":
                outcome.text += content["text"]
            elif kind == "stream":
                outcome.warned += content["text"]
            elif kind in ("display_data", "execute_result"):
                outcome.shown.append(content["data"])
            elif kind == "update_display_data":
                outcome.updates.append(content["data"])
            elif kind == "status" and content["execution_state"] == "idle":
                return outcome

    def reply(self, cell: str, seconds: float = 60) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=seconds)
            if message["parent_header"]["msg_id"] == cell:
                return message["content"]

    def run(self, code: str) -> Outcome:
        return self.end(self.begin(code))

    def check(self, code: str) -> Outcome:
        """Runs a cell that must succeed."""
        outcome = self.run(code)
        assert outcome.status == "ok", outcome.traceback
        return outcome

    def complete(self, code: str) -> list[str]:
        """What the tab key offers at the end of the code."""
        return self.reply(self.client.complete(code, len(code)))["matches"]

    def inspect(self, name: str, before: str = "") -> str:
        """What a name with a question mark shows."""
        self.check(before)
        shown = self.reply(self.client.inspect(name, len(name), detail_level=0))["data"]["text/plain"]
        return re.sub(r"\x1b\[[\d;]*m", "", shown)

    def stop(self, cell: str) -> tuple[float, Outcome]:
        """What the stop button does. Gives the seconds until the cell was over, too."""
        began = time.perf_counter()
        self.manager.interrupt_kernel()
        outcome = self.end(cell)
        return time.perf_counter() - began, outcome


@pytest.fixture(scope="session")
def shared_kernel(clean_environment: None) -> Iterator[Kernel]:
    kernel = Kernel()
    # The first traceback takes a kernel longer than all that follow.
    kernel.run("1 / 0")
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Kernel:
    """A kernel without names of another test."""
    shared_kernel.check("%reset -f")
    return shared_kernel


@pytest.fixture
def connected(kernel: Kernel, insights_sandbox: Sandbox) -> Iterator[Kernel]:
    """A kernel in which `client` is connected to the sandbox."""
    kernel.check(connecting(insights_sandbox))
    yield kernel
    kernel.check("client.close()")


def connecting(sandbox: Sandbox, **changed: str) -> str:
    """A cell that makes a `client`."""
    words = {
        "username": sandbox.username,
        "password": sandbox.password,
        "workspace": sandbox.workspace,
        "base_url": sandbox.url,
    }
    return f"from insightframe import InsightsClient\nclient = InsightsClient(**{words | changed})"


def credentials(sandbox: Sandbox) -> dict[str, str]:
    """The environment in which clients are connected to it."""
    return {
        "FLEX_INSIGHTS_USERNAME": sandbox.username,
        "FLEX_INSIGHTS_PASSWORD": sandbox.password,
        "FLEX_INSIGHTS_WORKSPACE": sandbox.workspace,
        "FLEX_INSIGHTS_BASE_URL": sandbox.url,
    }


def wait_for(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.002)
