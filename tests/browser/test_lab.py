"""In a real JupyterLab: cards and tables in both themes, progress that comes and goes, and the button that stops.

Pictures of it are in `target/screenshots`, to be looked at.
"""

import re
import shutil
import time
from pathlib import Path

import pytest

from conftest import Browser
from insightframe.sandbox import Sandbox

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
CLIENT = "from insightframe import InsightsClient\nclient = InsightsClient()"


def luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(part) / 255 for part in re.findall(r"\d+", color)[:3])
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
def test_tables_and_cards_are_read_in_both_themes(theme: str, browser: Browser) -> None:
    cells = [
        CLIENT,
        "table = client.export('3035643', start='2023-12-01', end='2023-12-30')\ntable",
        "client.describe('3035643')",
        "client.export('3035653', start='2023-12-01', end='2023-12-01')",
        "client.reports()",
    ]
    browser.open(f"tables_{theme}", cells, THEMES[theme])
    browser.run()
    browser.picture(f"tables_{theme}")
    page, cell, faint = browser.script("""
        const color = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
        return [color('.jp-Notebook', 'backgroundColor'), color('.insightframe td', 'color'),
                color('.insightframe p', 'opacity')];
    """)
    lighter, darker = sorted([luminance(page), luminance(cell)], reverse=True)
    # What WCAG asks of text (level AAA), and of text that is made fainter by so much still level AA.
    assert (lighter + 0.05) / (darker + 0.05) > 7
    assert float(faint) >= 0.6
    alignments = browser.script("""
        const cells = [...document.querySelectorAll('.insightframe tbody tr')[0].children];
        return cells.map(cell => getComputedStyle(cell).textAlign);
    """)
    assert alignments == ["left"] * 5 + ["right"] * 6, "texts are read from the left, numbers compared at the right"
    # Nothing is wider than its cell's room without a way to get there.
    assert browser.script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_progress_comes_and_goes(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("status", path="*/execute/raw/*", status=202, times=4)
    browser.open("progress", [CLIENT, "table = client.export('3035643')", "1 + 1"], THEMES["light"])
    browser.execute("runmenu:run-all")
    browser.until(lambda: re.search(r"polling: 00:0[1-9], polls=\d", browser.outputs()))
    browser.picture("progress")
    browser.until(browser.is_over)
    browser.until(lambda: browser.outputs().strip() == "2")
    browser.picture("progress_done")
    heights = browser.script("return [...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.offsetHeight)")
    assert len([height for height in heights if height > 0]) == 1


STOPPED = {"stopped": "client.export('3035643')", "stopped_awaiting": "await client.export_async('3035643')"}


@pytest.mark.parametrize("name", STOPPED)
def test_the_stop_button_stops(name: str, browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("status", path="*/execute/raw/*", status=202, times=None)
    browser.open(name, [CLIENT, STOPPED[name], "1 + 1"], THEMES["light"])
    browser.execute("runmenu:run-all")
    browser.until(lambda: "polling" in browser.outputs())
    began = time.monotonic()
    browser.all("[data-command='notebook:interrupt-kernel'], .jp-ToolbarButtonComponent[title^='Interrupt']")[0].click()
    browser.until(browser.is_over)
    print(f"{name}: {(time.monotonic() - began) * 1000:.0f} ms from the click to what is seen")
    sandbox.clear_faults()
    assert re.search("KeyboardInterrupt|CancelledError", browser.outputs())
    assert "polling:" not in browser.outputs()
    browser.picture(name)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("theme", THEMES)
def test_an_example_is_seen_as_it_is_committed(theme: str, browser: Browser, folder: Path) -> None:
    shutil.copy(NOTEBOOKS / "explore.ipynb", folder)
    browser.open("explore", None, THEMES[theme])
    browser.until(lambda: browser.all("img"))
    for part in range(4):
        browser.script(f"document.querySelector('.jp-WindowedPanel-outer').scrollTop = {part} * 1400")
        time.sleep(0.5)
        browser.picture(f"explore_{theme}_{part}")
    assert "Error displaying widget" not in browser.outputs()
