"""Fixtures for tests of code that uses Flex Insights; pytest finds them by itself once insightframe is installed.

``insights_sandbox`` is a running `Sandbox`, ``insights_client`` an `InsightsClient` connected to it::

    def test_report(insights_client):
        table = insights_client.export("3035643", start="2023-12-01", end="2023-12-01")
        assert table.num_rows == 3360

Options of the sandbox are given by a marker, on a test, a class or a module; the nearest one wins::

    @pytest.mark.insights_sandbox(rows=10)
    def test_small(insights_client): ...

Indirect parameters, each a dictionary of options, run a test once for each of them::

    @pytest.mark.parametrize("insights_sandbox", [{"null_cell": "quoted"}, {"null_cell": "bare"}], indirect=True)
    def test_empty_cells(insights_client): ...
"""

from collections.abc import Iterator

import pytest

from ._core import InsightsClient
from .sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, for ``--strict-markers`` and ``--markers``."""
    config.addinivalue_line("markers", "insights_sandbox(**options): options of the fixture of that name")


@pytest.fixture
def insights_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of the test's own: a ledger that begins empty, and no fault or clock of another test.

    Starting one takes milliseconds, because its data is made as it is asked for.
    """
    options: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("insights_sandbox"))):
        options |= marker.kwargs
    with Sandbox(**options | getattr(request, "param", {})) as sandbox:
        yield sandbox


@pytest.fixture
def insights_client(insights_sandbox: Sandbox) -> Iterator[InsightsClient]:
    """A client of ``insights_sandbox`` that is logged out after the test."""
    with insights_sandbox.insights_client() as client:
        yield client
