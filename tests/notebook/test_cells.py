"""What a cell shows: progress while it runs, cards, tables and errors when it has run."""

import json
import re

import pytest

from conftest import Kernel, credentials
from insightframe.sandbox import Sandbox

REPORT = "3035643"

MISSING = {
    "as it is": "",
    "without widgets": "import sys; sys.modules['ipywidgets'] = None",
    "without tqdm": "import sys; sys.modules['tqdm'] = None; sys.modules['ipywidgets'] = None",
}
EXPORTS = [f"table = client.export('{REPORT}')", f"table = await client.export_async('{REPORT}')"]


@pytest.fixture
def lacking(connected: Kernel) -> Kernel:
    yield connected
    connected.check("import sys\nfor name in ('tqdm', 'ipywidgets'): sys.modules.pop(name, None)")


@pytest.mark.insights_sandbox(rows=500, raw_202_count=2)
@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("missing", MISSING)
def test_a_bar_comes_after_a_moment_and_leaves_nothing(missing: str, export: str, lacking: Kernel) -> None:
    lacking.check(MISSING[missing])
    outcome = lacking.check(export)
    assert (outcome.text, outcome.warned) == ("", "")
    if missing == "without tqdm":
        assert outcome.shown == []
        return
    # The first looks come after half a second and after one: something is seen by then.
    assert len(outcome.shown) == 1
    assert re.fullmatch(r"polling: 00:0\d, polls=\d", outcome.shown[0]["text/plain"])
    assert set(outcome.shown[0]) == {"text/plain"}
    assert outcome.updates[-1] == {}


@pytest.mark.insights_sandbox(rows=500, raw_202_count=0)
@pytest.mark.parametrize("export", EXPORTS)
def test_what_is_over_at_once_shows_nothing(export: str, connected: Kernel) -> None:
    connected.check("client.login(); client.describe('3035643')")
    outcome = connected.check(export)
    assert (outcome.text, outcome.warned, outcome.shown) == ("", "", [])


@pytest.mark.insights_sandbox(rows=500, raw_202_count=0)
def test_a_bar_that_was_asked_for_stays(connected: Kernel) -> None:
    outcome = connected.check(f"table = client.export('{REPORT}', progress=True)")
    assert len(outcome.shown) == 1
    assert re.fullmatch(r"done: [\d.]+kB \[00:0\d, .*, rows=500\]", outcome.updates[-1]["text/plain"])
    assert outcome.warned == ""


@pytest.mark.insights_sandbox(rows=500, raw_202_count=2)
def test_bars_of_exports_side_by_side_are_told_apart(connected: Kernel) -> None:
    exports = ", ".join([f"client.export_async('{REPORT}')"] * 3)
    outcome = connected.check(f"import asyncio\ntables = await asyncio.gather({exports})")
    assert len(outcome.shown) == 3
    assert outcome.warned == ""


@pytest.mark.insights_sandbox(rows_per_day=500, raw_202_count=2)
def test_a_forked_child_shows_nothing(kernel: Kernel, insights_sandbox: Sandbox) -> None:
    outcome = kernel.check(f"""
import multiprocessing, os
from insightframe import InsightsClient
os.environ |= {credentials(insights_sandbox)}

def rows(task):
    with InsightsClient() as client:
        return len(task.run(client))

tasks = InsightsClient().plan("{REPORT}", start="2023-12-01", end="2023-12-02")
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(rows, tasks))
""")
    assert (outcome.text, outcome.warned, outcome.shown) == ("[500, 500]\n", "", [])
    assert "fork" not in kernel.logged()


@pytest.mark.insights_sandbox(rows=500, raw_202_count=0)
def test_tables_and_reports_are_shown_without_a_request(connected: Kernel, insights_sandbox: Sandbox) -> None:
    connected.check(
        f"table = client.export('{REPORT}')\nreport = client.describe('{REPORT}')\nlist_ = client.reports()"
    )
    asked = len(insights_sandbox.ledger)
    for name, says in (
        ("table", "500 rows × 11 columns"),
        ("report", "Queue Performance by Interval"),
        ("list_", "8 rows"),
    ):
        shown = connected.check(name).shown
        assert len(shown) == 1
        assert set(shown[0]) == {"text/plain", "text/html"}
        assert says in shown[0]["text/html"]
        assert says in shown[0]["text/plain"]
        assert not re.search(r"(?i)https?:|<script|<link|@import|url\(", shown[0]["text/html"])
        # Colours are the page's: light and dark both.
        assert not re.search(r"#[0-9a-f]{3,6}\b|rgb", shown[0]["text/html"].partition("</style>")[0])
    assert len(insights_sandbox.ledger) == asked


def test_an_error_tells_where_and_what_to_do(connected: Kernel) -> None:
    """The traceback shows the user's own line and the message, and nothing of the inside."""
    outcome = connected.run("client.export('999')")
    assert outcome.error == "NotFound"
    plain = re.sub(r"\x1b\[[\d;]*m", "", outcome.traceback)
    assert "client.export('999')" in plain
    assert plain.count("line ") == 1
    assert "999 not found" in plain.splitlines()[-1]
    awaited = connected.run("await client.export_async('999')")
    assert awaited.error == "NotFound"


@pytest.mark.parametrize(
    ("code", "completes"),
    [
        ("client.exp", {"export", "export_async", "export_dataset", "export_dataset_async"}),
        ("frame.coll", {"collect", "collect_async"}),
        ("insightframe.prog", {"progress"}),
        ("from insightframe import rec", {"recipes"}),
    ],
)
def test_tab_completes(code: str, completes: set[str], connected: Kernel) -> None:
    connected.check("import insightframe\nframe = client.scan('3035643')")
    found = connected.complete(code)
    assert completes <= {name.rpartition(".")[2] for name in found}
    assert not any(name.rpartition(".")[2].startswith("_") for name in found)


def test_question_mark_shows_arguments_and_documentation(connected: Kernel) -> None:
    inspected = connected.inspect("client.export")
    assert "start=None" in inspected
    shown = connected.inspect("recipes.volume_by_day", before="from insightframe import recipes")
    assert "Contacts a day as bars" in shown
    assert "abandoned" in shown


def test_long_cells_and_markup_stay_what_they_are(kernel: Kernel) -> None:
    nasty = "<script>alert(1)</script>&\"' | a\u202eb\n" + "x" * 1000
    kernel.check(
        f"import csv, io, insightframe\nout = io.StringIO(); csv.writer(out).writerows([['<b>name</b>', 'n'], [{nasty!r}, '1']])"
    )
    shown = kernel.check("insightframe.decode_csv(out.getvalue().encode())").shown[0]
    html = shown["text/html"]
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "\u202e" not in html + shown["text/plain"]
    assert "x" * 300 not in html
    assert max(map(len, shown["text/plain"].splitlines())) <= 100
    json.dumps(shown)
