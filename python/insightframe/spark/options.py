"""What stands in the options of a read, all of which Spark hands over as text."""

import datetime
import json
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from insightframe._columns import Asked
from insightframe.errors import ConfigError

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """The options of one read, each of them checked. There is no secret among them."""

    report: str
    asked: Asked
    """All that `InsightsClient.plan` takes beside the report; None where it isn't given."""
    pushdown: bool | None
    restate: int
    tz: zoneinfo.ZoneInfo

    @classmethod
    def read(cls, options: Mapping[str, str]) -> "Options":
        """Reads them.

        Raises:
            ConfigError: Some can't be used; the message names each.
        """
        found: dict[str, Any] = {}
        wrong, refused = [], False
        for name, text in options.items():
            reader = _READERS.get(name.lower())
            if reader is not None:
                try:
                    found[name.lower()] = reader(text)
                except ValueError as error:
                    wrong.append(f"`{name}` must be {error}, not `{text}`")
            elif any(word in name.lower() for word in _SECRETS):
                wrong.append(f"`{name}` is refused, because options are shown in plans and logs")
                refused = True
            else:
                wrong.append(f"`{name}` is unknown, there are {', '.join(f'`{known}`' for known in sorted(_READERS))}")
        if "report" not in options:
            wrong.append("`report` is missing: an object id, a portable identifier or a uri")
        if "end" in options and "start" not in options:
            wrong.append("`start` is missing where `end` is given")
        if wrong:
            hint = f"\n{_CREDENTIALS}" if refused else ""
            raise ConfigError(f"options of `flex_insights` can't be used: {'; '.join(wrong)}{hint}")
        asked = {name: found.get(name) for name in _ASKED}
        tz = found.get("tz", zoneinfo.ZoneInfo("UTC"))
        return cls(found["report"], asked, found.get("pushdown"), found.get("restate", 0), tz)


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a name")
    return text


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError("a day as YYYY-MM-DD") from None


def _every(text: str) -> str:
    if text not in ("1d", "1w", "1mo"):
        raise ValueError("`1d`, `1w` or `1mo`")
    return text


def _object(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):
        raise ValueError('a JSON object, such as {"label.agents.team_name": ["Billing"]}') from None


def _schema(text: str) -> str | dict[str, Any]:
    if text in ("report", "infer", "text"):
        return text
    try:
        return _object(text)
    except ValueError:
        raise ValueError('`report`, `infer`, `text`, or types by column as JSON, such as {"Agent": "utf8"}') from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ValueError("a number of seconds")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a number of days")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("`true` or `false`")
    return text.lower() == "true"


def _zone(text: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("a time zone, such as `Europe/Zurich`") from None


_READERS: dict[str, Callable[[str], Any]] = {
    "report": _text,
    "start": _day,
    "end": _day,
    "date": _text,
    "where": _object,
    "every": _every,
    "schema": _schema,
    "workspace": _text,
    "timeout": _seconds,
    "pushdown": _yes_or_no,
    "restate": _count,
    "tz": _zone,
}
_ASKED = ("start", "end", "date", "where", "every", "schema", "workspace", "timeout")
_SECRETS = ("pass", "pwd", "secret", "token", "key", "user", "login", "credential", "auth", "sst")
_CREDENTIALS = (
    "hint: credentials come from `FLEX_INSIGHTS_USERNAME` and `FLEX_INSIGHTS_PASSWORD`, or from a profile, of the "
    "driver and of each worker"
)
