"""What a notebook shows of tables and reports; nothing is asked of the service for it."""

from html.parser import HTMLParser

import pytest

from insightframe import InsightsClient
from insightframe.sandbox import Sandbox

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=50, raw_202_count=0)


class Text(HTMLParser):
    """The words of a page, and whether all that was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] != "style":
            self.words.append(data)


def test_a_table_shows_kinds_days_and_its_receipt(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    table = insights_client.export(REPORT, start="2023-12-01", end="2023-12-30")
    asked = len(insights_sandbox.ledger)
    words = Text(table._repr_html_()).words
    assert "attribute, date32" in words
    assert "metric, int64" in words
    about = next(word for word in words if word.startswith(f"{len(table)} rows × 11 columns"))
    assert "; 2023-12-01 to 2023-12-30" in about
    assert any(word.startswith("report    3035643 in workspace") for word in words)
    assert table._repr_mimebundle_() == {"text/plain": repr(table), "text/html": table._repr_html_()}
    assert set(table._repr_mimebundle_(include={"text/html"})) == {"text/html"}
    assert set(table._repr_mimebundle_(exclude=["text/html"])) == {"text/plain"}
    assert len(insights_sandbox.ledger) == asked


def test_what_is_not_known_is_not_shown(insights_client: InsightsClient) -> None:
    words = Text(insights_client.export(REPORT, schema="infer")._repr_html_()).words
    assert "date32" not in words
    assert "utf8" in words
    assert not any("metric" in word for word in words)
    pieces = list(insights_client.stream(REPORT))
    assert "receipt" not in Text(pieces[0]._repr_html_()).words


def test_a_report_is_a_card(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    for report in insights_sandbox.reports:
        described = insights_client.describe(report)
        asked = len(insights_sandbox.ledger)
        words = Text(described._repr_html_()).words
        assert words.count(described.title) >= 1
        assert all(column.name in words for column in described.columns)
        assert set(described._repr_mimebundle_()) == {"text/plain", "text/html"}
        assert len(insights_sandbox.ledger) == asked
