"""Pictures for the questions that every contact centre asks: one line from a table to a chart.

```python
from insightframe import recipes

calls = client.export("3035643", start="2023-12-01", end="2023-12-30")
recipes.service_level_by_interval(calls, minutes=60)
recipes.volume_by_day(calls)
recipes.handle_time_by_queue(calls)

bot = FlowXoClient().metrics("2023-01-01", "2023-12-31", unit="month", tz="Europe/Zurich")
recipes.bot_triggers_by_month(bot, tz="Europe/Zurich")
```

They take a `Table`, or whatever else gives an Arrow stream: a frame of polars that was filtered or joined before, a
`Stream`, a table of pyarrow. They ask no service for anything, and give a chart of Altair, to be shown, changed
(``.properties(width=400)``), put beside another (``a & b``) or saved (``.save("picture.png")``).

Columns are found by the names that Flex Insights gives them, whatever their case, with or without blanks; an argument
names another. Means are those of all contacts, not of the rows of the report: each row counts as often as it has
contacts. Days and times of day are those that the workspace counts, in its own time zone; nothing is converted.
What isn't there is shown as missing, never as zero.

``pip install 'insightframe[recipes]'`` brings what this needs: Altair, polars, and vl-convert, which saves pictures
without a browser.
"""

from .handle_time import handle_time_by_queue
from .service_level import service_level_by_interval
from .triggers import bot_triggers_by_month
from .volume import volume_by_day

__all__ = ["bot_triggers_by_month", "handle_time_by_queue", "service_level_by_interval", "volume_by_day"]
