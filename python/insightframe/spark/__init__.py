"""Reports of Flex Insights in Apache Spark: the data source ``flex_insights``.

A partition is a window of days, exported by the worker that reads it::

    from insightframe.spark import register

    register(spark)
    calls = spark.read.format("flex_insights").options(report="3035643", start="2023-01-01", end="2023-12-31").load()

``spark.readStream`` gives each day once it is over. `FlexInsights` tells the options.

Driver and workers look the credentials up in their own environment (``FLEX_INSIGHTS_USERNAME``,
``FLEX_INSIGHTS_PASSWORD``) or in their profile file, as `InsightsClient` does. None of it can be given as an option, so
that it stands in no plan, no log and no user interface.
"""

from typing import TYPE_CHECKING

try:
    import pyspark.sql.datasource  # noqa: F401 - told here, in our words, where it is missing
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith("pyspark"):
        raise
    hint = "hint: pip install 'insightframe[spark]'"
    raise ModuleNotFoundError(f"`pyspark` 4.0 or newer is not installed\n{hint}", name=error.name) from None

from .source import FlexInsights

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["FlexInsights", "register"]


def register(spark: "SparkSession") -> None:
    """Makes the format ``flex_insights`` known to a session; doing it again does no harm."""
    spark.dataSource.register(FlexInsights)
