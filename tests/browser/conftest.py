"""A JupyterLab, and a headless Chromium that looks at it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

from insightframe.sandbox import Sandbox

PICTURES = Path(__file__).parents[2] / "target" / "screenshots"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows_per_day=480) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def lab(folder: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[str]:
    """The address of a JupyterLab with settings of its own."""
    home = tmp_path_factory.mktemp("home")
    folders = (
        "HOME",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
    )
    environment = os.environ | {name: str(home / name) for name in folders}
    environment |= {
        "FLEX_INSIGHTS_USERNAME": sandbox.username,
        "FLEX_INSIGHTS_PASSWORD": sandbox.password,
        "FLEX_INSIGHTS_WORKSPACE": sandbox.workspace,
        "FLEX_INSIGHTS_BASE_URL": sandbox.url,
    }
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1",
        "--ServerApp.port=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LanguageServerManager.autodetect=False",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert process.stderr is not None
    address = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/lab", line)))
    yield address
    process.terminate()
    process.communicate(timeout=20)


class Browser:
    """A page of the JupyterLab, in one of its themes."""

    def __init__(self, lab: str, folder: Path, profile: Path) -> None:
        self.lab, self.folder = lab, folder
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in (
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--window-size=1280,1600", "--force-device-scale-factor=1",
        ):  # fmt: skip
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))

    def open(self, name: str, cells: list[str] | None, theme: str) -> None:
        """Opens a notebook of these cells, or one that is there, with nothing beside it."""
        if cells is not None:
            notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
            notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(notebook, self.folder / f"{name}.ipynb")
        self.driver.get(f"{self.lab}/tree/{name}.ipynb?reset")
        self.until(lambda: self.script("return window.jupyterapp?.commands.hasCommand('apputils:change-theme')"))
        self.script(f"return window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
        self.script("return window.jupyterapp.restored.then(() => window.jupyterapp.shell.collapseLeft())")
        self.until(lambda: self.all(".jp-CodeCell"))
        self.script("return window.jupyterapp.shell.currentWidget.context.sessionContext.ready")
        self.until(lambda: self.all(".jp-Notebook-ExecutionIndicator[data-status='idle']"))
        time.sleep(0.5)

    def execute(self, command: str) -> None:
        self.script(f"window.jupyterapp.commands.execute('{command}')")

    def script(self, text: str) -> Any:
        return self.driver.execute_script(text)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def outputs(self) -> str:
        """What is seen below the cells."""
        return self.script(
            "return [...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.innerText).join('\\n')"
        )

    def is_over(self) -> bool:
        """Whether every cell has run, or was given up."""
        prompts = self.script(
            "return [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.innerText)"
        )
        return prompts[0] == "[1]:" and "[*]:" not in prompts

    def until(self, true: Callable[[], Any], seconds: float = 30) -> Any:
        ends = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < ends, self.outputs()
            time.sleep(0.01)
        return found

    def run(self) -> None:
        """Runs all cells, and waits until the last one is done."""
        self.execute("runmenu:run-all")
        self.until(self.is_over, 120)
        time.sleep(0.5)

    def picture(self, name: str) -> None:
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))


@pytest.fixture(scope="session")
def browser(lab: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(lab, folder, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()
