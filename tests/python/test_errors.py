import copy
import pickle
import re
from pathlib import Path

import pytest

from insightframe import errors
from insightframe.errors import InsightframeError

CLASSES = [getattr(errors, name) for name in errors.__all__]
CORE = Path(__file__).parents[2] / "src" / "error.rs"


def drawn_tree() -> dict[str, tuple[str | None, list[str]]]:
    """The tree in the docstring: each class with its parent there and the attributes drawn beside it."""
    tree: dict[str, tuple[str | None, list[str]]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([│├└─ ]*)(\w+)(\(\w+\))?((?: +\.\w+)*)$", line):
            depth = len(match[1]) // 3
            above[depth:] = [match[2]]
            attributes = [word.strip(" .") for word in match[4].split()]
            tree[match[2]] = (above[depth - 1] if depth else None, attributes)
    return tree


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    tree = drawn_tree()
    assert sorted(tree) == errors.__all__
    for name, (parent, attributes) in tree.items():
        cls = getattr(errors, name)
        assert cls.__bases__[0].__name__ == (parent or "Exception")
        own = getattr(cls, "__annotations__", {})
        assert sorted(own) == sorted(attributes), name


def test_every_error_of_the_core_has_its_class() -> None:
    source = CORE.read_text()
    codes = set(re.findall(r'=> "([A-Z]\w+)"', source[source.index("pub fn code") :]))
    assert "CsvError" in codes
    leaves = {cls.__name__ for cls in CLASSES if not cls.__subclasses__()}
    assert codes - {"OSError"} == leaves


@pytest.mark.parametrize("cls", CLASSES)
def test_each_survives_pickling_and_copying_with_its_attributes(cls: type[InsightframeError]) -> None:
    attributes = {name: 7 for c in cls.__mro__ for name in getattr(c, "__annotations__", {}) if name != "code"}
    error = cls("what happened\nhint: do this", **attributes)
    # Tables among the results can't travel.
    travelling = {name: value for name, value in attributes.items() if (cls, name) != (errors.PartialResult, "result")}
    for twin, expected in ((pickle.loads(pickle.dumps(error)), travelling), (copy.copy(error), attributes)):
        assert type(twin) is cls
        assert str(twin) == "what happened\nhint: do this"
        assert vars(twin) == expected
        assert vars(error) == attributes


@pytest.mark.parametrize("cls", CLASSES)
def test_the_code_is_the_name_of_the_class_unless_the_service_gave_one(cls: type[InsightframeError]) -> None:
    assert cls("").code == cls.__name__
    assert cls("", code=None).code == cls.__name__
    if issubclass(cls, errors.ApiError):
        assert cls("", code="gdc.http.client.status.404").code == "gdc.http.client.status.404"


def test_what_is_left_out_or_none_keeps_its_default() -> None:
    error = errors.DeadlineExceeded("late", phase="polling", handle=None, retryable=None)
    assert (error.phase, error.handle, error.retryable) == ("polling", None, True)
    assert (error.attempts, error.elapsed) == (0, 0.0)


def test_an_attribute_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="`NotFound` has no attribute `column`"):
        errors.NotFound("", column="x")


def test_python_s_own_classes_catch_what_they_should() -> None:
    assert issubclass(errors.DeadlineExceeded, TimeoutError)
    for cls in (errors.ConfigError, errors.CsvError, errors.SchemaMismatch):
        assert issubclass(cls, ValueError)
