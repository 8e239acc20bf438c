"""A result that is read once, while it arrives: by iteration, by Arrow, and when it breaks off."""

import asyncio
import io
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Stream, stream_csv
from insightframe.errors import ConfigError, CsvError, ResultIncomplete
from insightframe.sandbox import Sandbox

REPORT = "3035643"
SMALL = {"rows": 500, "raw_202_count": 0}
# More rows than one batch holds, and a byte in the midst of a later batch.
LARGE = {"rows": 140_000, "raw_202_count": 0}
LATE = 10_000_000

small = pytest.mark.insights_sandbox(**SMALL)
large = pytest.mark.insights_sandbox(**LARGE)


def break_off(sandbox: Sandbox) -> None:
    """Breaks every download of a result, also those that begin anew."""
    sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=LATE)


@large
def test_iterating_gives_the_rows_in_pieces(insights_client: InsightsClient) -> None:
    stream = insights_client.stream(REPORT)
    assert stream.receipt is None
    pieces = list(stream)
    assert len(pieces) > 1
    assert all(piece.schema == stream.schema for piece in pieces)
    frame = pl.concat([piece.to_polars() for piece in pieces])
    assert frame.equals(insights_client.export(REPORT).to_polars())
    assert stream.receipt is not None
    assert stream.receipt.rows == len(frame) == 140_000
    assert stream.error is None


@large
def test_iterating_asynchronously_gives_the_same(insights_client: InsightsClient) -> None:
    async def pieces() -> list[pl.DataFrame]:
        async with await insights_client.stream_async(REPORT) as stream:
            return [piece.to_polars() async for piece in stream]

    found = asyncio.run(pieces())
    assert len(found) > 1
    assert pl.concat(found).equals(insights_client.export(REPORT).to_polars())


READERS: dict[str, Callable[[Stream], int]] = {
    "pyarrow reader": lambda stream: pa.RecordBatchReader.from_stream(stream).read_all().num_rows,
    "pyarrow table": lambda stream: pa.table(stream).num_rows,
    "polars": lambda stream: len(pl.DataFrame(stream)),
}


@large
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_an_arrow_reader_takes_it_once(insights_client: InsightsClient, read: Callable[[Stream], int]) -> None:
    stream = insights_client.stream(REPORT)
    assert read(stream) == 140_000
    assert stream.receipt is not None
    with pytest.raises(ConfigError, match="the stream has been read to its end"):
        read(stream)


@small
def test_a_second_reading_is_an_error_and_not_empty(insights_client: InsightsClient) -> None:
    stream = insights_client.stream(REPORT)
    assert sum(len(piece) for piece in stream) == 500
    for read in (list, pa.table, lambda stream: stream.write_parquet("again.parquet"), aiter):
        with pytest.raises(ConfigError) as caught:
            read(stream)
        assert str(caught.value) == snapshot("""\
the stream has been read to its end
hint: a stream is read once; ask for another one, or for a `Table` with `export`\
""")
    # What Python's protocol asks for nevertheless.
    with pytest.raises(StopIteration):
        next(stream)


@small
def test_it_has_one_reader_at_a_time(insights_client: InsightsClient) -> None:
    stream = insights_client.stream(REPORT)
    reader = pa.RecordBatchReader.from_stream(stream)
    for read in (list, next, pa.table):
        with pytest.raises(ConfigError, match="the stream has been handed to an Arrow reader"):
            read(stream)
    assert reader.read_all().num_rows == 500
    assert stream.error is None


@large
def test_a_loop_that_was_left_can_be_gone_on_with(insights_client: InsightsClient) -> None:
    stream = insights_client.stream(REPORT)
    for _ in stream:
        break
    first = 140_000 - sum(len(piece) for piece in stream)
    assert 0 < first < 140_000


@large
def test_closing_lets_the_connection_go(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    with insights_client.stream(REPORT) as stream:
        next(stream)
    with pytest.raises(ConfigError, match="the stream is closed"):
        next(stream)
    assert stream.receipt is None
    # The same client goes on, with the place of the stream free again.
    for _ in range(6):
        insights_client.stream(REPORT).close()
    assert insights_sandbox.executions == 7


@large
def test_a_failure_in_the_middle_reaches_a_loop(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    break_off(insights_sandbox)
    stream = insights_client.stream(REPORT)
    assert len(next(stream)) > 0
    with pytest.raises(ResultIncomplete, match=r"the result broke off after \d+ bytes: .*after 4 attempts") as caught:
        list(stream)
    assert stream.error is caught.value
    assert stream.receipt is None
    assert caught.value.handle is not None
    insights_sandbox.clear_faults()
    assert len(insights_client.resume(caught.value.handle)) == 140_000
    with pytest.raises(ConfigError, match="the stream broke off; its `error` says why"):
        list(stream)


@large
def test_a_failure_in_the_middle_reaches_an_asynchronous_loop(
    insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    break_off(insights_sandbox)

    async def read() -> Stream:
        stream = await insights_client.stream_async(REPORT)
        with pytest.raises(ResultIncomplete):
            [len(piece) async for piece in stream]
        return stream

    assert isinstance(asyncio.run(read()).error, ResultIncomplete)


@large
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_failure_in_the_middle_reaches_an_arrow_reader_by_name(
    insights_client: InsightsClient, insights_sandbox: Sandbox, read: Callable[[Stream], int]
) -> None:
    break_off(insights_sandbox)
    stream = insights_client.stream(REPORT)
    # Arrow's C interface has room for text alone; the class of the error is the library's.
    with pytest.raises(Exception, match="ResultIncomplete: the result broke off") as caught:
        read(stream)
    assert not isinstance(caught.value, ResultIncomplete)
    assert isinstance(stream.error, ResultIncomplete)
    assert stream.error.handle is not None


@small
def test_a_stream_keeps_its_client(insights_sandbox: Sandbox) -> None:
    stream = insights_sandbox.insights_client().stream(REPORT)
    assert "DELETE" not in [entry.method for entry in insights_sandbox.ledger]
    assert sum(len(piece) for piece in stream) == 500
    del stream
    assert insights_sandbox.ledger[-1].method == "DELETE"


@small
def test_an_empty_report_is_a_stream_of_nothing(insights_client: InsightsClient) -> None:
    stream = insights_client.stream(REPORT, start="2030-01-01", end="2030-01-01")
    assert list(stream) == []
    assert len(stream.schema) == 11
    assert pa.table(insights_client.stream(REPORT, start="2030-01-01", end="2030-01-01")).num_rows == 0


@pytest.mark.parametrize("method", ["write_parquet", "write_csv", "write_ipc"])
def test_a_stream_that_breaks_off_leaves_no_file(tmp_path: Path, method: str) -> None:
    rows = b"a,b\n" + b"1,2\n" * 3_000_000
    stream = stream_csv(io.BytesIO(rows + b'"oh,\n'))
    with pytest.raises(ValueError, match="quote"):
        getattr(stream, method)(tmp_path / "report")
    assert list(tmp_path.iterdir()) == []
    assert type(stream.error).__name__ == "CsvError"
    with pytest.raises(ConfigError, match="the stream broke off"):
        getattr(stream, method)(tmp_path / "report")


# 32 bytes a row, so many of which are a batch of 2 MiB.
HEADER = b'"Queue","Date","Contacts"\r\n'
ROW = b'"Support EN","12/01/2023","17"\r\n'
BATCH = 65_536


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bytes_at_hand_are_decoded_as_they_are_taken(threads: int) -> None:
    # What is wrong at the end is not yet known when the first batches are taken.
    stream = stream_csv(HEADER + ROW * (6 * BATCH + 100) + b'"Support EN","12/01\r\n', threads=threads)
    taken: list[int] = []
    with pytest.raises(CsvError) as caught:
        taken.extend(batch.num_rows for batch in stream)
    assert taken == [BATCH] * 6
    assert caught.value.record == 6 * BATCH + 101


class Source(io.BytesIO):
    """One that doesn't end with its bytes, but with a silence of its own or an error."""

    def __init__(self, whole: bytes, error: str = "") -> None:
        super().__init__(whole)
        self.error = error
        self.may_end = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece and self.error:
            raise OSError(self.error)
        if not piece and not self.may_end.wait(timeout=20):
            raise AssertionError("a batch waits for bytes behind it")
        return piece


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_came_whole_waits_for_nothing(threads: int) -> None:
    source = Source(HEADER + ROW * (2 * BATCH + 100))
    stream = stream_csv(source, threads=threads)
    assert [next(stream).num_rows for _ in range(2)] == [BATCH] * 2
    source.may_end.set()
    assert [batch.num_rows for batch in stream] == [100]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_came_whole_comes_before_the_error_of_a_source(threads: int) -> None:
    stream = stream_csv(Source(HEADER + ROW * (3 * BATCH + 100), "the disk is gone"), threads=threads)
    taken: list[int] = []
    with pytest.raises(ConfigError, match="the source can't be read: OSError: the disk is gone"):
        taken.extend(batch.num_rows for batch in stream)
    assert taken == [BATCH] * 3
