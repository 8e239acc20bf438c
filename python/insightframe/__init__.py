"""Twilio Flex Insights as DataFrames: tokens, exports and typed Arrow, done right."""

from . import errors
from ._core import InsightsClient, Receipt, Stream, Table, __version__, decode_csv, stream_csv
from .config import Limits, Polling, Retry, Tls
from .errors import InsightframeError

__all__ = [
    "InsightframeError",
    "InsightsClient",
    "Limits",
    "Polling",
    "Receipt",
    "Retry",
    "Stream",
    "Table",
    "Tls",
    "__version__",
    "decode_csv",
    "errors",
    "stream_csv",
]
