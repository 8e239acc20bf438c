"""The canary: no secret in anything that Spark shows or keeps."""

from urllib.parse import quote

from pyspark.sql import DataFrame

from conftest import EVENTS, logs

DAYS = {"start": "2023-12-01", "end": "2023-12-02"}


def found(secret: str, text: bytes) -> bool:
    return secret.encode() in text or quote(secret, safe="").encode() in text


def plans(frame: DataFrame) -> bytes:
    execution = frame._jdf.queryExecution()
    told = [execution.toString(), execution.explainString(_mode(frame, "extended"))]
    told.append(execution.optimizedPlan().prettyJson())
    return "\n".join(told).encode()


def _mode(frame: DataFrame, name: str):
    return frame.sparkSession._jvm.org.apache.spark.sql.execution.ExplainMode.fromString(name)


def test_no_secret_stands_in_plans_events_and_logs(load, spark, sandbox, capfd):
    frame = load(**DAYS)
    assert frame.count() == 40
    frame.explain(True)
    shown = plans(frame)
    assert b"flex_insights" in shown
    events = b"".join(file.read_bytes() for file in EVENTS.rglob("*") if file.is_file())
    assert b"SparkListenerTaskEnd" in events
    written = [file for file in logs(spark).rglob("*") if file.is_file()]
    assert {"stderr", "stdout"} <= {file.name for file in written}
    told = "".join(capfd.readouterr()).encode()
    for text in (shown, events, told, *(file.read_bytes() for file in written)):
        assert not found(sandbox.password, text)
    assert found("flex_insights", shown), "the canary sings"
