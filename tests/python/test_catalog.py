import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from inline_snapshot import snapshot

import insightframe
from insightframe import InsightsClient, Report, Table
from insightframe.errors import ConfigError, Forbidden, NotFound, SessionLost
from insightframe.sandbox import Sandbox
from ledger import logins

REPORT = "3035643"
QUEUES = "label.conversations.queue"
LISTS = ["reports", "metrics", "attributes", "labels", "facts", "datasets"]

# Few rows, and ready at once: it is the answers around them that matter here.
pytestmark = pytest.mark.insights_sandbox(rows_per_day=20, raw_202_count=0)
both_modes = pytest.mark.parametrize("auth", ["header", "cookie"])


def message(error: type[Exception], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)


@both_modes
@pytest.mark.insights_sandbox(workspace_count=1200, report_count=120)
def test_every_page_of_a_large_account(insights_sandbox: Sandbox, auth: Any) -> None:
    with insights_sandbox.insights_client(auth=auth) as client:
        workspaces = client.workspaces()
        assert [row["id"] for row in workspaces.to_dicts()] == insights_sandbox.workspaces
        assert workspaces.schema == snapshot(
            {
                "id": "utf8",
                "title": "utf8",
                "state": "utf8",
                "created": "timestamp[us, UTC]",
                "updated": "timestamp[us, UTC]",
                "summary": "utf8",
                "environment": "utf8",
                "public": "boolean",
                "author": "utf8",
                "contributor": "utf8",
                "uri": "utf8",
            }
        )
        reports = client.reports()
        assert {row["id"]: row["title"] for row in reports.to_dicts()} == insights_sandbox.reports
        assert len(reports) == 120
        # What is listed can be exported, the last one too.
        assert client.export(reports.to_dicts()[-1]["id"], start="2023-12-01", end="2023-12-01").num_rows == 20
        assert len(client.elements("label.customers.phone")) == 50_000
    assert len(logins(insights_sandbox)) == 1


@both_modes
def test_lists_and_their_twins_are_typed_tables(insights_sandbox: Sandbox, auth: Any) -> None:
    async def twins(client: InsightsClient, name: str) -> Table:
        return await getattr(client, f"{name}_async")(refresh=True)

    with insights_sandbox.insights_client(auth=auth) as client:
        for name in [*LISTS, "workspaces"]:
            table = getattr(client, name)()
            assert isinstance(table, Table)
            assert table.to_dicts() == asyncio.run(twins(client, name)).to_dicts()
            assert table.to_polars().height == len(table) > 0
        reports, labels = client.reports(), client.labels()
    assert reports.schema == snapshot(
        {
            "id": "utf8",
            "identifier": "utf8",
            "title": "utf8",
            "summary": "utf8",
            "tags": "utf8",
            "created": "timestamp[us, UTC]",
            "updated": "timestamp[us, UTC]",
            "author": "utf8",
            "contributor": "utf8",
            "deprecated": "boolean",
            "locked": "boolean",
            "unlisted": "boolean",
            "uri": "utf8",
        }
    )
    first = reports.to_dicts()[0]
    assert (first["identifier"], first["title"]) == ("aaosExgHgF8r", "Queue Performance by Interval")
    assert first["created"] == datetime.datetime(2022, 6, 14, 9, 12, 31, tzinfo=datetime.UTC)
    assert list(labels.schema)[7:12] == ["type", "default", "attribute", "attribute_id", "attribute_identifier"]
    days = labels.to_polars().filter(pl.col("type") == "GDC.time.day_eu")
    assert days["identifier"].to_list() == ["date.date.ddmmyyyy"]
    assert days["attribute"].to_list() == ["Date"]


def test_elements_are_named_in_every_way(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    everything = insights_client.elements(QUEUES)
    assert everything.schema == {"title": "utf8", "uri": "utf8"}
    assert len(everything) == 7
    uri = insights_client.identifiers([QUEUES])[QUEUES]
    for label in (uri, f"{insights_sandbox.url}{uri}", uri.rsplit("/", 1)[1], int(uri.rsplit("/", 1)[1])):
        assert insights_client.elements(label).to_dicts() == everything.to_dicts()
    assert [row["title"] for row in insights_client.elements(QUEUES, "SUPP", 1).to_dicts()] == ["Support EN"]
    other = insights_sandbox.workspaces[1]
    elsewhere = insights_client.elements(QUEUES, limit=1, workspace=other).to_dicts()[0]
    assert elsewhere["uri"].startswith(f"/gdc/md/{other}/obj/")
    found = asyncio.run(insights_client.elements_async(QUEUES, contains="en", limit=5))
    assert found.to_dicts() == insights_client.elements(QUEUES, contains="en").to_dicts()


@both_modes
def test_a_description_tells_what_an_export_will_be(insights_sandbox: Sandbox, auth: Any) -> None:
    with insights_sandbox.insights_client(auth=auth) as client:
        report = client.describe(REPORT)
        asked = len(insights_sandbox.ledger)
        assert isinstance(report, Report)
        assert repr(report) == snapshot("""\
Report `Queue Performance by Interval` (3035643, aaosExgHgF8r)
  Queue                    attribute  utf8                 label.conversations.queue
  Date                     attribute  date32 (mm/dd/yyyy)  date.date.mmddyyyy
  Interval 15 Minutes      attribute  utf8                 label.conversations.interval_15
  Channel                  attribute  utf8                 label.conversations.channel
  Direction                attribute  utf8                 label.conversations.direction
  Offered Contacts         metric     int64                aaotOAmytv6b                     #,##0
  Average Handle Time      metric     float64              aaS6Bl6THzGr                     #,##0.00
  Abandons                 metric     int64                aagrrpaL8Kz4                     #,##0
  Service Level            metric     float64              aa0y3f2MNeDn                     #,##0.00%
  Average Speed of Answer  metric     float64              aaYi7NWgbAZ9                     #,##0.00
  Volume Handled           metric     int64                aaC4GvhcvLkJ                     #,##0\
""")
        assert (report.id, report.identifier, report.pivoted) == (REPORT, "aaosExgHgF8r", False)
        assert report.uri == f"/gdc/md/{report.workspace}/obj/{report.id}"
        assert report.workspace == insights_sandbox.workspace
        assert report.definition.endswith("/3035642")
        date = report.columns[1]
        assert (date.name, date.kind, date.type, date.format) == ("Date", "attribute", "date32", None)
        assert date.source.endswith("/obj/1001")
        assert repr(date) == "<ReportColumn Date attribute date32 (mm/dd/yyyy) date.date.mmddyyyy>"
        assert len(insights_sandbox.ledger) == asked, "looking at it sends nothing"

        same = asyncio.run(client.describe_async(int(REPORT)))
        assert len(insights_sandbox.ledger) == asked, "it is kept"
        fresh = client.describe(report.identifier or "", refresh=True)
        assert report == same == fresh
        assert hash(report) == hash(fresh)
        assert report.columns == fresh.columns
        assert report != client.describe("3035653")
        assert report != "Queue Performance by Interval"

        table = client.export(REPORT, start="2023-12-01", end="2023-12-01")
        assert table.schema == {column.name: column.type for column in report.columns}


@pytest.mark.insights_sandbox(raw_202_count=1)
def test_a_described_export_costs_three_requests_and_the_polls(
    insights_sandbox: Sandbox, insights_client: InsightsClient
) -> None:
    insights_client.describe(REPORT)
    insights_sandbox.clear_ledger()
    insights_client.describe(REPORT)
    receipt = insights_client.export(REPORT, start="2023-12-01", end="2023-12-01").receipt
    assert receipt is not None
    assert len(insights_sandbox.ledger) == 3 + receipt.polls


def test_what_is_kept_is_kept_for_ten_minutes(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client(virtual_time=True) as client:
        for ask in (client.workspaces, client.reports, lambda: client.describe(REPORT)):
            ask()
            insights_sandbox.clear_ledger()
            ask()
            insights_sandbox.advance(minutes=9, seconds=50)
            ask()
            assert insights_sandbox.ledger == []
            insights_sandbox.advance(seconds=11)
            ask()
            assert insights_sandbox.ledger != []


def test_an_edited_report_is_noticed(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    before = insights_client.describe(REPORT)
    insights_sandbox.fault("edited_report", times=1)
    table = insights_client.export(REPORT, start="2023-12-01", end="2023-12-01")
    assert table.column_names[-1] == "Renamed"
    assert table.schema["Renamed"] == "int64"
    after = insights_client.describe(REPORT)
    assert after != before
    assert [column.name for column in after.columns] == table.column_names


def test_a_definition_that_may_not_be_read(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    insights_sandbox.fault("status", path="/gdc/md/*/obj/*", method="GET", times=None, status=403)
    assert message(Forbidden, lambda: insights_client.describe(REPORT)).startswith("GET /gdc/md/")
    table = insights_client.export(REPORT, start="2023-12-01", end="2023-12-01")
    assert table.receipt is not None
    (warning,) = table.receipt.warnings
    assert warning.startswith(
        "the types are inferred from the data, because the definition can't be read: GET /gdc/md/"
    )
    assert table.schema["Offered Contacts"] == "int64"


SWITCHES: list[dict[str, Any]] = [
    {"identifiers_order": "shuffled"},
    {"valid_elements_303": "always"},
    {"valid_elements_303": "never"},
    {"query_page_max": 2},
    {"profile_delete_status": 200},
    {"duplicate_titles": "suffix"},
    {"foreign_workspace": 404},
    {"foreign_workspace": 410},
    {"unknown_report": 400},
    {"secure_cookies": True},
    {"secure_cookies": False, "tls": True},
    {"level0_cookies": "old"},
    {"token_cookie_body": "empty"},
    {"old_tt_survives_refresh": False},
    {"header_casing": "lower"},
    {"strict_request_headers": True},
    {"metadata_shape": "old"},
    {"raw_uri_form": "short"},
    {"raw_uri_form": "q_then_c"},
]


@both_modes
@pytest.mark.parametrize("insights_sandbox", SWITCHES, indirect=True, ids=str)
def test_no_switch_of_the_protocol_is_noticed(insights_sandbox: Sandbox, auth: Any) -> None:
    with insights_sandbox.insights_client(auth=auth) as client:
        assert [row["id"] for row in client.workspaces().to_dicts()] == insights_sandbox.workspaces
        counts = {name: len(getattr(client, name)()) for name in LISTS}
        assert counts == {"reports": 8, "metrics": 31, "attributes": 26, "labels": 45, "facts": 21, "datasets": 4}
        assert len(client.elements(QUEUES, "support")) == 2
        found = client.identifiers([QUEUES, "date.date.mmddyyyy", "label.agents.agent_id"])
        assert client.uris(found.values()) == {uri: name for name, uri in found.items()}
        for report in insights_sandbox.reports:
            described = client.describe(report)
            table = client.export(report, start="2023-12-01", end="2023-12-01")
            assert list(table.schema.values()) == [column.type for column in described.columns]
            assert table.receipt is not None
            assert not any("infer" in warning for warning in table.receipt.warnings)
        with pytest.raises((Forbidden, NotFound)):
            client.reports(workspace="z" * 32)
        for call in (client.describe, client.export):
            assert "Object ID 99 not found" in message(NotFound, lambda call=call: call("99"))
        assert client.profile_id is not None
        client.delete_profile(confirm=client.profile_id)
        with pytest.raises(SessionLost, match="was deleted by this client"):
            client.reports()


@both_modes
def test_a_profile_is_deleted_only_by_its_id(insights_sandbox: Sandbox, auth: Any) -> None:
    client = insights_sandbox.insights_client(auth=auth)
    assert message(ConfigError, lambda: client.delete_profile(confirm="a" * 32)) == snapshot("""\
nobody is logged in, so that there is no profile to confirm
hint: call `login()`, compare `profile_id`, and pass it as `confirm`\
""")
    assert insights_sandbox.ledger == []
    client.login()
    asked = len(insights_sandbox.ledger)
    assert message(ConfigError, lambda: client.delete_profile("yes")) == snapshot("""\
`confirm` is `yes`, which is not the id of the profile that is logged in; nothing was deleted
hint: pass `profile_id` if the profile of this very login is to be deleted\
""")
    assert len(insights_sandbox.ledger) == asked
    profile = client.profile_id
    assert profile is not None
    asyncio.run(client.delete_profile_async(profile))
    assert client.profile_id is None
    insights_sandbox.clear_ledger()
    assert (
        message(SessionLost, client.login)
        == f"""\
the session ended when the profile `{profile}` was deleted by this client
hint: make a client with another login"""
    )
    client.close()
    assert insights_sandbox.ledger == []


def test_bad_arguments_are_refused_before_anything_is_sent(
    insights_sandbox: Sandbox, insights_client: InsightsClient
) -> None:
    assert message(ConfigError, lambda: insights_client.elements("my label")) == snapshot("""\
`my label` does not name a label
hint: give the identifier (`label.agents.team_name`), the object id (`5193`) or the address (`/gdc/md/…/obj/5193`); `labels()` lists them\
""")
    assert message(TypeError, lambda: insights_client.elements(True)) == snapshot(
        "`label` must be an object id, an identifier or a uri"
    )
    assert message(ConfigError, lambda: insights_client.elements(QUEUES, limit=0)) == snapshot(
        "`limit` must be at least 1"
    )
    assert message(OverflowError, lambda: insights_client.elements(QUEUES, limit=-1)) == snapshot(
        "can't convert negative int to unsigned"
    )
    assert message(ConfigError, lambda: insights_client.describe("my report")) == snapshot("""\
`my report` does not name a report
hint: give the object id (`3035643`), the identifier (`aaosExgHgF8r`) or the address (`/gdc/md/…/obj/3035643`)\
""")
    assert message(TypeError, lambda: insights_client.describe(1.5)) == snapshot(  # type: ignore[arg-type]
        "`report` must be an object id, an identifier or a uri"
    )
    for name in LISTS:
        assert message(ConfigError, lambda name=name: getattr(insights_client, name)(workspace="../x")) == snapshot("""\
`../x` is not a workspace id: 32 lower-case letters and digits
hint: it is the part after `workspaces/` or `projects/` in the address of the Flex Insights portal\
""")
    with insights_sandbox.insights_client(workspace=None) as client:
        for call in (client.reports, lambda: client.describe(REPORT), lambda: client.elements(QUEUES)):
            assert message(ConfigError, call) == snapshot("""\
no workspace is named
hint: pass `workspace=…` to the client or the call, or set FLEX_INSIGHTS_WORKSPACE\
""")
    uri = f"/gdc/md/{insights_sandbox.workspaces[1]}/obj/{REPORT}"
    assert message(
        ConfigError, lambda: insights_client.describe(uri, workspace=insights_sandbox.workspace)
    ) == snapshot(
        "`/gdc/md/hmowsrc1zhzbps8hgupnepi9bflwdffu/obj/3035643` is not in the workspace `sandboxws0000000000000000000one1`"
    )
    assert insights_sandbox.ledger == []


def test_a_closed_client_gives_nothing_not_even_what_it_has_kept(
    insights_sandbox: Sandbox, insights_client: InsightsClient
) -> None:
    calls = (insights_client.workspaces, insights_client.reports, lambda: insights_client.describe(REPORT))
    for call in calls:
        call()
    insights_client.close()
    insights_sandbox.clear_ledger()
    for call in calls:
        assert message(ConfigError, call) == snapshot("""\
the client is closed
hint: make a new one, or use it inside its `with` block\
""")
    assert insights_sandbox.ledger == []


def test_what_is_unknown_is_named(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    assert "`label.no.such`" in message(NotFound, lambda: insights_client.elements("label.no.such"))
    assert "`noSuchReport`" in message(NotFound, lambda: insights_client.describe("noSuchReport"))
    with pytest.raises(insightframe.errors.UnexpectedReply, match="NO DISPLAY FORM"):
        insights_client.elements("attr.conversations.queue")
    with pytest.raises(insightframe.errors.UnexpectedReply, match="expected a `report`"):
        insights_client.describe("label.conversations.queue")
    assert insights_sandbox.executions == 0
