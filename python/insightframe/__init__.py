"""Twilio Flex Insights and Flow XO as DataFrames: tokens, exports and typed Arrow, done right."""

from . import errors
from ._core import (
    Configuration,
    ExportTask,
    FlexInstancesClient,
    FlowXoClient,
    InsightsClient,
    InsightsWorkspace,
    Instance,
    Receipt,
    Report,
    ReportColumn,
    Stream,
    Table,
    __version__,
    decode_csv,
    stream_csv,
)
from .errors import InsightframeError

# The name is what type checkers know; the module `typing` itself takes longer to import than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import config, progress, sandbox
    from .config import Limits, Polling, Retry, Tls
    from .filters import Last
else:

    def __getattr__(name: str) -> object:
        # So do dataclasses, and most programs never touch a default.
        if name in ("config", "progress", "sandbox"):
            __import__(f"{__name__}.{name}")
            return globals()[name]
        if name in ("Limits", "Polling", "Retry", "Tls"):
            from . import config

            return getattr(config, name)
        if name == "Last":
            from .filters import Last

            return Last
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Configuration",
    "ExportTask",
    "FlexInstancesClient",
    "FlowXoClient",
    "InsightframeError",
    "InsightsClient",
    "InsightsWorkspace",
    "Instance",
    "Last",
    "Limits",
    "Polling",
    "Receipt",
    "Report",
    "ReportColumn",
    "Retry",
    "Stream",
    "Table",
    "Tls",
    "__version__",
    "config",
    "decode_csv",
    "errors",
    "progress",
    "sandbox",
    "stream_csv",
]
