"""`decode_csv` against what Python's own writer makes, whatever its quoting, and at a very long cell."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from insightframe import decode_csv

# NUL is an error to the decoder, and lone surrogates are no UTF-8.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
AWKWARD = st.sampled_from(['"', '""', ",", "\n", "\r\n", " ", "", "007", "NaN", "1e5", "\ufeff", "ü", "🎧"])
CELLS = st.one_of(AWKWARD, st.text(CHARACTERS, max_size=20), st.lists(AWKWARD, max_size=4).map("".join))


@st.composite
def written(draw: st.DrawFn) -> tuple[list[str], list[list[str]], bytes]:
    """Titles, rows, and the bytes that the writer makes of them."""
    width = draw(st.integers(1, 5))
    titles = [f"column {index}" for index in range(width)]
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    end = draw(st.sampled_from(["\r\n", "\n"]))
    if end == "\n" and quoting == csv.QUOTE_MINIMAL:
        # The writer leaves a carriage return bare where it ends no line: to the decoder that is damage.
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    writer.writerows([titles, *rows])
    return titles, rows, text.getvalue().encode()


@settings(max_examples=300, deadline=None)
@given(written())
def test_what_the_writer_wrote_is_read_back(case: tuple[list[str], list[list[str]], bytes]) -> None:
    titles, rows, written = case
    frame = decode_csv(written, schema="text").to_polars()
    assert frame.columns == titles
    assert frame.rows() == [tuple(cell or None for cell in row) for row in rows]


def test_a_cell_of_a_hundred_megabytes() -> None:
    cell = b"x," * 50_000_000
    frame = decode_csv(b'a,b\r\n"' + cell + b'",1\r\n"y",2\r\n').to_polars()
    assert frame.get_column("b").to_list() == [1, 2]
    first, second = frame.get_column("a").to_list()
    assert (len(first), first[-2:], second) == (len(cell), "x,", "y")
