import dataclasses
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from insightframe import Limits, Polling, Retry, Tls
from insightframe.errors import ConfigError

CORE = Path(__file__).parents[2] / "src" / "limits.rs"


def core_defaults(name: str) -> dict[str, float]:
    """The defaults of the core, read from its source: numbers as they are, durations in seconds."""
    source = CORE.read_text()
    body = source[source.index(f"impl Default for {name} ") :]
    body = body[: body.index("\n}\n")]
    defaults = {}
    for field, value in re.findall(r"(\w+): (Duration::from_\w+\(\d+\)|[\d.]+(?: << \d+)?)", body):
        if duration := re.fullmatch(r"Duration::from_(millis|secs)\((\d+)\)", value):
            defaults[field] = int(duration[2]) / (1000 if duration[1] == "millis" else 1)
        else:
            number, _, shift = value.partition(" << ")
            defaults[field] = int(number) << int(shift) if shift else float(number)
    return defaults


@pytest.mark.parametrize("cls", [Retry, Polling, Limits])
def test_the_defaults_are_those_of_the_core(cls: type) -> None:
    assert dataclasses.asdict(cls()) == core_defaults(cls.__name__)


@pytest.mark.parametrize("value", [Retry(attempts=1), Polling(max=60), Limits(csv_bytes=1), Tls(ca_file="ca.pem")])
def test_they_are_values(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value == dataclasses.replace(value)
    assert hash(value) == hash(dataclasses.replace(value))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, 1)
    with pytest.raises(TypeError):
        type(value)(1)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (Retry, {"attempts": 0}, "`Retry.attempts` must be an integer from 1, not `0`"),
        (Retry, {"attempts": 2.0}, "`Retry.attempts` must be an integer from 1, not `2.0`"),
        (Retry, {"attempts": True}, "`Retry.attempts` must be an integer from 1, not `True`"),
        (Retry, {"base": -1}, "`Retry.base` must be a number of seconds from 0, not `-1`"),
        (Retry, {"base": 30}, "`Retry.cap` must be a number of seconds not below `base`, not `20.0`"),
        (Polling, {"initial": 0}, "`Polling.initial` must be a number of seconds from 0.001, not `0`"),
        (Polling, {"factor": 0.5}, "`Polling.factor` must be a number from 1, not `0.5`"),
        (Polling, {"max": 0.1}, "`Polling.max` must be a number of seconds not below `initial`, not `0.1`"),
        (Polling, {"timeout": float("inf")}, "`Polling.timeout` must be a number of seconds from 0, not `inf`"),
        (Limits, {"csv_bytes": 0}, "`Limits.csv_bytes` must be an integer from 1, not `0`"),
        (Limits, {"csv_bytes": 1 << 63}, "`Limits.csv_bytes` must be an integer from 1, not `9223372036854775808`"),
        (Limits, {"idle": float("nan")}, "`Limits.idle` must be a number of seconds from 0.001, not `nan`"),
        (Limits, {"slow_bytes": -1}, "`Limits.slow_bytes` must be an integer from 0, not `-1`"),
        (Tls, {"ca_file": 7}, "`Tls.ca_file` must be a path or `None`, not `7`"),
    ],
)
def test_a_value_that_can_not_be_used_is_named(cls: type, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cls(**arguments)
    assert str(caught.value) == message
