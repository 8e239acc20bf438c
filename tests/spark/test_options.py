"""Options, all of them told at once, and nothing secret among them. No Spark is needed for that."""

import pytest
from pyspark.cloudpickle import dumps

from conftest import REPORT
from insightframe.errors import ConfigError
from insightframe.spark import FlexInsights

DAYS = {"report": REPORT, "start": "2023-12-01", "end": "2023-12-03"}


def refusal(**options: str) -> str:
    with pytest.raises(ConfigError) as told:
        FlexInsights(options)
    return str(told.value)


def test_every_wrong_option_is_named_at_once():
    assert refusal(reprot="1", start="12/01/2023", every="2d", timeout="soon", where="[1]", schema="x", tz="Mars") == (
        "options of `flex_insights` can't be used: "
        "`reprot` is unknown, there are `date`, `end`, `every`, `pushdown`, `report`, `restate`, `schema`, `start`, `timeout`, `tz`, "
        "`where`, `workspace`; "
        "`start` must be a day as YYYY-MM-DD, not `12/01/2023`; "
        "`every` must be `1d`, `1w` or `1mo`, not `2d`; "
        "`timeout` must be a number of seconds, not `soon`; "
        '`where` must be a JSON object, such as {"label.agents.team_name": ["Billing"]}, not `[1]`; '
        '`schema` must be `report`, `infer`, `text`, or types by column as JSON, such as {"Agent": "utf8"}, not `x`; '
        "`tz` must be a time zone, such as `Europe/Zurich`, not `Mars`; "
        "`report` is missing: an object id, a portable identifier or a uri"
    )
    assert "`start` is missing where `end` is given" in refusal(report="1", end="2023-12-01")
    assert "`pushdown` must be `true` or `false`, not `1`" in refusal(report="1", pushdown="1")
    assert "`restate` must be a number of days, not `-1`" in refusal(report="1", restate="-1")


@pytest.mark.parametrize(
    "name", ["password", "FLEX_INSIGHTS_PASSWORD", "username", "apiKey", "token", "sst", "credentials"]
)
def test_credentials_are_refused_and_not_shown(name):
    assert refusal(**DAYS, **{name: "canary"}) == (
        f"options of `flex_insights` can't be used: `{name}` is refused, because options are shown in plans and logs\n"
        "hint: credentials come from `FLEX_INSIGHTS_USERNAME` and `FLEX_INSIGHTS_PASSWORD`, or from a profile, of the "
        "driver and of each worker"
    )


def test_what_the_client_refuses_is_said_before_anything_is_sent(sandbox):
    with pytest.raises(ConfigError, match="after"):
        FlexInsights(DAYS | {"start": "2023-12-05"}).schema()
    with pytest.raises(ConfigError, match="report"):
        FlexInsights(DAYS | {"report": "../1"}).schema()
    assert not sandbox.ledger


def test_a_read_has_a_last_day_and_a_stream_a_first(sandbox):
    source = FlexInsights({"report": REPORT, "start": "2023-12-01"})
    schema = source.schema()
    assert source.streamReader(schema)
    with pytest.raises(ConfigError, match="`end` is missing where `start` is given: only a stream has no last day"):
        source.reader(schema)
    with pytest.raises(ConfigError, match="`start` is missing: a stream of `flex_insights` has a first day"):
        FlexInsights({"report": REPORT}).streamReader(schema)


def test_what_travels_to_the_workers_holds_no_secret(sandbox):
    source = FlexInsights(DAYS)
    schema = source.schema()
    reader = source.reader(schema)
    travels = dumps((source, reader, reader.read, reader.partitions()))
    assert REPORT.encode() in travels, "the canary sings"
    assert sandbox.password.encode() not in travels
    assert sandbox.username.encode() not in travels
