"""What `help()` and a notebook's Shift-Tab show is what the stubs say."""

import ast
import inspect
from pathlib import Path

import pytest

import insightframe
from insightframe import _core

STUBS = ast.parse(Path(_core.__file__).with_name("_core.pyi").read_text(encoding="utf-8"))


def documented():
    for node in STUBS.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node.name, text
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(inner)):
                yield f"{node.name}.{inner.name}", text


def test_what_the_stubs_say_is_there_at_run_time():
    differs = []
    for name, text in documented():
        thing = _core
        for part in name.split("."):
            thing = inspect.getattr_static(thing, part)
        if inspect.getdoc(thing) != text:
            differs.append((name, inspect.getdoc(thing)))
    assert not differs


@pytest.mark.parametrize(
    "kind", [_core.InsightsClient, _core.FlowXoClient, _core.FlexInstancesClient, _core.Table, _core.Stream]
)
def test_every_public_method_says_what_it_does(kind):
    silent = [
        name
        for name in vars(kind)
        if not name.startswith("_") and not inspect.getdoc(inspect.getattr_static(kind, name))
    ]
    assert silent == []


def test_signatures_show_the_defaults():
    shown = str(inspect.signature(insightframe.InsightsClient.export))
    assert shown == (
        "(self, /, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, every=None, schema='report', "
        "workspace=None, timeout=None, progress=None)"
    )


def test_the_defaults_may_be_given(insights_client):
    given = insights_client.export("3035643", date="date.date.mmddyyyy", schema="report")
    assert given.to_dicts() == insights_client.export("3035643").to_dicts()
