"""Arguments that can't be used are refused before anything is sent, in words that say what to do."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Last, Limits, Tls, decode_csv, stream_csv
from insightframe.errors import ConfigError, InsightframeError, UntrustedUri
from insightframe.sandbox import Sandbox

REPORT = "3035643"
WORKSPACE = "sandboxws0000000000000000000one1"
pytestmark = pytest.mark.insights_sandbox(rows=20, raw_202_count=0)


def message(error: type[BaseException], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)


def client(**arguments: Any) -> InsightsClient:
    return InsightsClient(**{"username": "u@example.com", "password": "password"} | arguments)


def test_of_the_constructor(tmp_path: Path) -> None:
    assert message(ConfigError, lambda: client(workspace="x/../y")) == snapshot("""\
`x/../y` is not a workspace id: 32 lower-case letters and digits
hint: it is the part after `workspaces/` or `projects/` in the address of the Flex Insights portal\
""")
    assert message(ConfigError, lambda: client(base_url="analytics.ytica.com")) == snapshot(
        "the base address `analytics.ytica.com` can't be used: relative URL without a base"
    )
    assert message(ConfigError, lambda: client(base_url="http://analytics.ytica.com")) == snapshot("""\
the base address `http://analytics.ytica.com` can't be used: plain http would send tokens in the clear
hint: use https; http is accepted for loopback addresses alone\
""")
    assert message(ConfigError, lambda: client(base_url="https://user:password@analytics.ytica.com")) == snapshot(
        "the base address must not hold a user name or password"
    )
    assert message(ConfigError, lambda: client(auth="basic")) == snapshot(
        "`auth` is `basic`, which is neither `header` nor `cookie`"
    )
    assert message(ConfigError, lambda: client(max_concurrency=0)) == snapshot(
        "`max_concurrency` is 0; it must be a whole number from 1 to 2305843009213693951"
    )
    assert message(ConfigError, lambda: client(proxy="ftp://proxy")) == snapshot("""\
the proxy's address can't be used: its scheme is none of http, https, socks5, socks5h
hint: write `http://host:port`, `https://host:port`, `socks5h://host:port`, or `direct` for none\
""")
    assert message(TypeError, lambda: client(retry=5)) == snapshot("`retry` must be a `Retry`, not a `int`")
    assert message(TypeError, lambda: client(polling=Limits())) == snapshot(
        "`polling` must be a `Polling`, not a `Limits`"
    )
    assert message(TypeError, lambda: client(progress=5)) == snapshot('`progress` must be "auto", a bool or a callable')
    assert message(TypeError, lambda: client(password=5)) == snapshot("'int' object is not an instance of 'str'")
    with pytest.raises(FileNotFoundError, match=r"no-such\.pem"):
        client(tls=Tls(ca_file=tmp_path / "no-such.pem"))


def test_of_an_export(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    def export(report: Any = REPORT, **arguments: Any) -> Callable[[], object]:
        return lambda: insights_client.export(report, **arguments)

    for report in (True, -1, 1.5, None, b"3035643"):
        assert message(TypeError, export(report)) == snapshot("`report` must be an object id, an identifier or a uri")
    assert message(ConfigError, export("my report")) == snapshot("""\
`my report` does not name a report
hint: give the object id (`3035643`), the identifier (`aaosExgHgF8r`) or the address (`/gdc/md/…/obj/3035643`)\
""")
    assert message(ConfigError, export(start="2023-12-01")) == snapshot("""\
`start` is 2023-12-01, but `end` is missing
hint: the service filters by an interval with two ends; both days are included\
""")
    assert message(ConfigError, export(end="2023-12-01")) == snapshot("""\
`end` is 2023-12-01, but `start` is missing
hint: the service filters by an interval with two ends; both days are included\
""")
    assert message(ConfigError, export(start="2023-12-02", end="2023-12-01")) == snapshot("""\
`start` 2023-12-02 is after `end` 2023-12-01
hint: both days are included\
""")
    assert message(ConfigError, export(start="12/01/2023", end="2023-12-01")) == snapshot("""\
`start` is `12/01/2023`, which is no day
hint: give a `datetime.date` or an ISO day such as "2023-12-01"; both `start` and `end` are included\
""")
    assert message(ConfigError, export(start="2023-02-30", end="2023-12-01")) == snapshot("""\
`start` is `2023-02-30`, which is no day
hint: give a `datetime.date` or an ISO day such as "2023-12-01"; both `start` and `end` are included\
""")
    noon = datetime.datetime(2023, 12, 1, 12)
    assert message(ConfigError, export(start=noon, end=noon)) == snapshot("""\
`start` is a date with a time; whole days are meant
hint: give a `datetime.date` or an ISO day such as "2023-12-01"; both `start` and `end` are included\
""")
    assert message(ConfigError, export(start=pd.Timestamp(noon), end=noon)).startswith("`start` is a date with a time")
    assert message(ConfigError, export(start=20231201, end=20231201)) == snapshot("""\
`start` is a `int`, not a day
hint: give a `datetime.date` or an ISO day such as "2023-12-01"; both `start` and `end` are included\
""")
    assert message(ConfigError, export(date="no label!", start="2023-12-01", end="2023-12-01")) == snapshot(
        "`no label!` is not an identifier: 1 to 255 letters, digits, `_` and `.`"
    )
    assert message(ConfigError, export(timeout=-1)) == snapshot(
        "`timeout` must be a number of seconds from 0, not `-1`"
    )
    assert message(ConfigError, export(timeout=float("nan"))) == snapshot(
        "`timeout` must be a number of seconds from 0, not `NaN`"
    )
    assert message(ConfigError, export(schema="guess")) == snapshot("""\
`schema` is `guess`, which is none of `report`, `infer`, `text`
hint: or give the types by column: `schema={"Agent ID": "text"}`\
""")
    assert message(ConfigError, export(schema={"Agent": "varchar"})) == snapshot("""\
column `Agent`: `varchar` is not a type that cells can be read as
hint: utf8, dictionary, int64, float64, bool, timestamp, timestamp[UTC], or date[…] with the way days are written: date[mm/dd/yyyy], date[yyyy-mm-dd], date[m/d/yy], date[dd/mm/yyyy], date[dd-mm-yyyy], date[Mon, Jan 1, 2010]\
""")
    assert message(TypeError, export(schema=5)) == snapshot(
        "`schema` must be a rule's name or a mapping of column to type"
    )
    assert message(TypeError, export(progress=5)) == snapshot('`progress` must be "auto", a bool or a callable')
    assert insights_sandbox.ledger == []


def test_of_windows(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    for method in (insights_client.export, insights_client.stream, insights_client.plan):

        def cut(every: Any, method: Any = method, **days: str) -> Callable[[], object]:
            return lambda: method(REPORT, every=every, **days)

        december = {"start": "2023-12-01", "end": "2023-12-31"}
        assert message(ConfigError, cut("2d", **december)) == snapshot("""\
`every` is `2d`, which is no length of a window
hint: `1d` is a day each, `1w` weeks from Monday, `1mo` calendar months\
""")
        assert message(ConfigError, cut("1d")) == snapshot("""\
`every` is `1d`, but there are no days to cut
hint: give `start` and `end` too; both days are included\
""")
        assert message(ConfigError, cut("1d", start="1901-01-01", end="2049-12-31")) == snapshot("""\
1901-01-01..2049-12-31 in windows of `1d` would be more than 10000 executions
hint: take longer windows, or fewer days\
""")
        assert message(TypeError, cut(1, **december)) == snapshot("'int' object is not an instance of 'str'")
    assert insights_sandbox.ledger == []


def test_of_filters(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    queue = "label.conversations.queue"

    def where(filters: Any) -> Callable[[], object]:
        return lambda: insights_client.export(REPORT, where=filters)

    assert message(ConfigError, where({queue: []})) == snapshot("""\
the list of values for `label.conversations.queue` is empty: no row could pass
hint: leave the label out to let all values pass\
""")
    assert message(ConfigError, where({queue: [f"Queue {n}" for n in range(201)]})) == snapshot("""\
201 values for `label.conversations.queue` are too many: the service takes 200 in one filter
hint: export once for each part of the list, or filter by a label of fewer values\
""")
    assert message(ConfigError, where({queue: {}})) == snapshot("""\
the constraint on `label.conversations.queue` is empty
hint: it is what the service is told, such as {"type": "floating", "from": -7, "to": -1}\
""")
    assert message(ConfigError, where({"Queue Name": ["Billing"]})) == snapshot("""\
`Queue Name` does not name a label
hint: give the identifier (`label.agents.team_name`), the object id (`5193`) or the address (`/gdc/md/…/obj/5193`); `labels()` lists them\
""")
    assert message(TypeError, where({queue: "Billing"})) == snapshot(
        "`where` on `label.conversations.queue` must be a list of titles, a `Last`, or a dict for the service, not a `str`"
    )
    assert message(TypeError, where({queue: 7})) == snapshot(
        "`where` on `label.conversations.queue` must be a list of titles, a `Last`, or a dict for the service, not a `int`"
    )
    assert message(TypeError, where({queue: ["Billing", 7]})) == snapshot(
        "`where` on `label.conversations.queue` must be a list of titles, and titles are strings"
    )
    assert message(TypeError, where({7: ["Billing"]})) == snapshot("the keys of `where` must be identifiers of labels")
    assert message(TypeError, where([queue])) == snapshot("`where` must be a mapping of label to what it may show")
    # The words are those of Python's `json`, and differ between its versions.
    assert message(ValueError, where({queue: {"from": float("nan")}})).startswith("Out of range float values")
    assert message(ConfigError, lambda: Last()) == snapshot(
        "`Last` takes exactly one of `days`, `weeks`, `months`, `quarters`, `years`, not none"
    )
    assert message(ConfigError, lambda: Last(days=1, months=2)) == snapshot(
        "`Last` takes exactly one of `days`, `weeks`, `months`, `quarters`, `years`, not `days` and `months`"
    )
    for count in (0, -1, 1.5, True, "7"):
        assert message(ConfigError, lambda count=count: Last(days=count)).startswith(  # type: ignore[misc]
            "`Last.days` must be an integer from 1, not "
        )
    assert message(ConfigError, lambda: Last(days=1, current=1)) == snapshot(  # type: ignore[arg-type]
        "`Last.current` must be a bool, not `1`"
    )
    assert insights_sandbox.ledger == []


def test_of_look_ups(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    assert message(TypeError, lambda: insights_client.identifiers("date.date.mmddyyyy")) == snapshot(
        "`identifiers` must be a list of strings, not one string"
    )
    assert message(ConfigError, lambda: insights_client.identifiers(["a", "b c"])) == snapshot(
        "`b c` is not an identifier: 1 to 255 letters, digits, `_` and `.`"
    )
    assert message(ConfigError, lambda: insights_client.uris(["/gdc/md/x/obj/1"])) == snapshot("""\
`x` is not a workspace id: 32 lower-case letters and digits
hint: it is the part after `workspaces/` or `projects/` in the address of the Flex Insights portal\
""")
    elsewhere = f"/gdc/md/{insights_sandbox.workspaces[1]}/obj/1"
    assert message(ConfigError, lambda: insights_client.uris([elsewhere], workspace=WORKSPACE)) == snapshot(
        "`/gdc/md/hmowsrc1zhzbps8hgupnepi9bflwdffu/obj/1` is not in the workspace that was named"
    )
    assert message(ConfigError, lambda: insights_client.resume("no handle")) == snapshot("""\
`no handle` is not the handle of an execution
hint: pass the `handle` of the error unchanged\
""")
    assert insights_sandbox.ledger == []


def test_of_the_decoder(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    assert message(TypeError, lambda: decode_csv(5)) == snapshot(
        "`source` must be bytes, a path, or a file opened for reading bytes"
    )  # type: ignore[arg-type]
    assert message(ConfigError, lambda: decode_csv(b"a\n1\n", threads=0)) == snapshot("`threads` must be at least 1")
    assert message(ConfigError, lambda: decode_csv(b"a\n1\n", encoding="utf-9")) == snapshot("""\
`utf-9` is no encoding
hint: names are those of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252\
""")
    assert message(ConfigError, lambda: decode_csv(b"a\n1\n", schema="report")) == snapshot("""\
`schema` is `report`, which is none of `infer`, `text`
hint: or give the types by column: `schema={"Agent ID": "text"}`\
""")  # type: ignore[arg-type]
    assert message(ConfigError, lambda: stream_csv(b"a\n1\n", strict=False)) == snapshot(
        "a stream has no place for rejects: `strict=False` is for `decode_csv`"
    )
    assert message(ConfigError, lambda: insights_client.export(REPORT).to_pandas("numpi")) == snapshot(
        "`dtype_backend` must be `numpy`, `numpy_nullable` or `pyarrow`, not `numpi`"
    )  # type: ignore[arg-type]


def test_of_a_client_that_is_closed(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_client.close()
    assert message(ConfigError, lambda: insights_client.export(REPORT)) == snapshot("""\
the client is closed
hint: make a new one, or use it inside its `with` block\
""")
    assert insights_sandbox.ledger == []


def test_of_a_sandbox(insights_sandbox: Sandbox) -> None:
    assert message(ConfigError, lambda: Sandbox(null_cell="none")) == snapshot(
        "sandbox option `null_cell` with value `none`: unknown variant `none`, expected `quoted` or `bare`"
    )
    assert message(ConfigError, lambda: Sandbox(host="0.0.0.0")) == snapshot(
        "sandbox option `host`: `0.0.0.0` can't be used; choose a loopback address such as 127.0.0.1: a sandbox is never public"
    )
    assert message(ConfigError, lambda: insights_sandbox.fault("explode")).startswith("fault rule: unknown variant")
    assert message(ConfigError, lambda: insights_sandbox.fault("cut", aftr=1)).startswith("fault rule: unknown field")
    assert message(ConfigError, lambda: insights_sandbox.advance(minutes=-1)) == snapshot(
        "`advance` must be a number of seconds from 0, not `-60`"
    )
    insights_sandbox.close()
    assert message(ConfigError, lambda: insights_sandbox.ledger) == snapshot("the sandbox is closed")


# None of these may move the path of a request, whichever argument it comes in by.
MOVING = [
    "../../account/login/1",
    "..%2f..%2faccount",
    "3035643/../../../account",
    "3035643?x=1",
    "3035643#x",
    "3035643\r\nX-Evil: 1",
    "3035643\x00",
    "//evil.example/gdc/md/sandboxws0000000000000000000one1/obj/1",
    "/\\evil.example/gdc/md/sandboxws0000000000000000000one1/obj/1",
    "https://evil.example/gdc/md/sandboxws0000000000000000000one1/obj/1",
    "@evil.example",
    "/gdc/md/sandboxws0000000000000000000one1/obj/../../../account",
    "/gdc/md/sandboxws0000000000000000000one1/obj/%2e%2e/1",
    "/gdc/md/sandboxws0000000000000000000one1/obj/1?x=1",
]


@pytest.mark.parametrize("text", MOVING)
def test_ids_can_not_move_the_path(insights_client: InsightsClient, insights_sandbox: Sandbox, text: str) -> None:
    for call in (
        lambda: insights_client.export(text),
        lambda: insights_client.stream(text),
        lambda: insights_client.export(REPORT, workspace=text),
        lambda: insights_client.export(REPORT, where={text: ["x"]}),
        lambda: insights_client.plan(text, start="2023-12-01", end="2023-12-01"),
        lambda: insights_client.export(REPORT, date=text, start="2023-12-01", end="2023-12-01"),
        lambda: insights_client.identifiers([text]),
        lambda: insights_client.identifiers(["a"], workspace=text),
        lambda: insights_client.uris([text]),
        lambda: insights_client.describe(text),
        lambda: insights_client.reports(workspace=text),
        lambda: insights_client.elements(text),
        lambda: insights_client.resume(text),
    ):
        with pytest.raises((ConfigError, UntrustedUri)) as caught:
            call()
        assert isinstance(caught.value, InsightframeError)
        assert "\r" not in str(caught.value)
        assert "\x00" not in str(caught.value)
    assert insights_sandbox.ledger == []
