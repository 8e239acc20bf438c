"""Fixtures for tests of code that uses Flex Insights; pytest finds them by itself once insightframe is installed.

``insights_sandbox`` is a running `Sandbox`, ``insights_client`` an `InsightsClient` connected to it::

    def test_report(insights_client):
        table = insights_client.export("3035643", start="2023-12-01", end="2023-12-01")
        assert table.num_rows == 3360

Options of the sandbox are given by indirect parameters::

    @pytest.mark.parametrize("insights_sandbox", [{"rows": 10}], indirect=True)
    def test_small(insights_client): ...
"""

from collections.abc import Iterator

import pytest

from ._core import InsightsClient
from .sandbox import Sandbox


@pytest.fixture
def insights_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of the test's own: a ledger that begins empty, and no fault or clock of another test.

    Starting one takes milliseconds, because its data is made as it is asked for.
    """
    with Sandbox(**getattr(request, "param", {})) as sandbox:
        yield sandbox


@pytest.fixture
def insights_client(insights_sandbox: Sandbox) -> Iterator[InsightsClient]:
    """A client of ``insights_sandbox`` that is logged out after the test."""
    with insights_sandbox.insights_client() as client:
        yield client
