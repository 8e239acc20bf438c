"""Flex Insights and Flow XO in Apache Airflow.

Connections of three types (``flex_insights``, ``flow_xo``, ``flex_instances``), hooks that give the clients of this
package, and operators that export::

    from insightframe.airflow import InsightsExportOperator

    InsightsExportOperator(
        task_id="calls",
        report="3035643",
        start="{{ macros.ds_add(ds, -1) }}",
        end="{{ macros.ds_add(ds, -1) }}",
        output_path="/data/calls/{start}.parquet",
        deferrable=True,
    )

Each name is imported when it is first used, so that a DAG file pays for what it names.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .hooks import FlexInstancesHook, FlowXoHook, InsightsHook
    from .operators import FlowXoMetricsOperator, InsightsDatasetOperator, InsightsExportOperator
    from .triggers import InsightsResultTrigger

__all__ = [
    "FlexInstancesHook",
    "FlowXoHook",
    "FlowXoMetricsOperator",
    "InsightsDatasetOperator",
    "InsightsExportOperator",
    "InsightsHook",
    "InsightsResultTrigger",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    from importlib import import_module

    room = "hooks" if name.endswith("Hook") else "operators" if name.endswith("Operator") else "triggers"
    return getattr(import_module(f".{room}", __name__), name)
