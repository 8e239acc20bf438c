"""Waiting in a triggerer."""

import asyncio
import json
import subprocess
import sys

import pytest

from insightframe.airflow import InsightsHook, InsightsResultTrigger
from insightframe.airflow.sessions import _SHARED


def submitted(**arguments) -> str:
    with InsightsHook().get_conn() as client:
        return client.submit("3035643", start="2023-12-01", end="2023-12-01", **arguments)


def restored(trigger: InsightsResultTrigger) -> InsightsResultTrigger:
    """What the next triggerer makes of what the database has."""
    path, arguments = trigger.serialize()
    assert path == "insightframe.airflow.triggers.InsightsResultTrigger"
    return InsightsResultTrigger(**json.loads(json.dumps(arguments)))


async def event(trigger: InsightsResultTrigger) -> dict:
    return (await anext(trigger.run())).payload


def test_a_trigger_waits_and_fetches_nothing(sandbox):
    handle = submitted()
    assert asyncio.run(event(InsightsResultTrigger(handle, "flex_insights_default"))) == {
        "handle": handle,
        "state": "ready",
    }
    assert sandbox.executions == 1
    assert not _SHARED


@pytest.mark.parametrize("sandbox", [{"compute_seconds": 6 * 3600}], indirect=True)
def test_the_next_triggerer_waits_for_the_same_execution_hours_later(sandbox):
    trigger = InsightsResultTrigger(submitted(), "flex_insights_default")

    async def stopped():
        waiting = asyncio.create_task(event(trigger))
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(stopped())
    sandbox.advance(hours=7)  # both tokens have died meanwhile
    assert asyncio.run(event(restored(trigger)))["state"] == "ready"
    assert sandbox.executions == 1


@pytest.mark.parametrize("sandbox", [{"compute_seconds": 6 * 3600}], indirect=True)
def test_tokens_and_session_die_while_a_trigger_waits(sandbox):
    trigger = InsightsResultTrigger(submitted(), "flex_insights_default")
    sandbox.clear_ledger()

    async def waited():
        waiting = asyncio.create_task(event(trigger))
        while not any("/execute/raw/" in entry.path for entry in sandbox.ledger):
            await asyncio.sleep(0.05)
        sandbox.fault("expire_sst", path="*/execute/raw/*")
        sandbox.fault("expire_tt", path="*/execute/raw/*")
        sandbox.advance(hours=7)
        return await waiting

    assert asyncio.run(waited())["state"] == "ready"
    assert sandbox.executions == 1
    assert sum(entry.path.endswith("/account/login") for entry in sandbox.ledger) == 2, "it logged in once more"


@pytest.mark.parametrize("sandbox", [{"compute_seconds": 3600}], indirect=True)
def test_the_deadline_is_that_of_the_first_triggerer(sandbox):
    trigger = InsightsResultTrigger(submitted(), "flex_insights_default", deadline=0.0)
    assert asyncio.run(event(restored(trigger)))["state"] == "expired"


def test_what_fails_is_told_without_a_secret(sandbox, monkeypatch):
    handle = submitted()
    import os

    wrong = json.loads(os.environ["AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT"]) | {"password": "another-password"}
    monkeypatch.setenv("AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT", json.dumps(wrong))
    told = asyncio.run(event(InsightsResultTrigger(handle, "flex_insights_default")))
    assert (told["state"], told["error"], told["retryable"]) == ("failed", "InvalidCredentials", False)
    assert "another-password" not in json.dumps(told)


HUNDRED = """
import asyncio, json, sys, threading, time
from insightframe.airflow import InsightsResultTrigger

async def main():
    triggers = [InsightsResultTrigger(sys.argv[1], "flex_insights_default") for _ in range(100)]
    waiting = [asyncio.create_task(anext(trigger.run())) for trigger in triggers]
    await asyncio.sleep(12)  # past the short waits of the beginning
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(15)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    threads = len(__import__("os").listdir("/proc/self/task"))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    print(json.dumps({"share": share, "threads": threads}))

asyncio.run(main())
"""


@pytest.mark.parametrize("sandbox", [{"compute_seconds": 3600}], indirect=True)
def test_a_hundred_wait_in_one_session_on_two_percent_of_a_core(sandbox):
    handle = submitted()
    sandbox.clear_ledger()
    done = subprocess.run([sys.executable, "-c", HUNDRED, handle], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    print(f"100 deferred exports: {figures['share']:.1%} of a core, {figures['threads']} threads")
    assert figures["share"] <= 0.02
    assert figures["threads"] <= 24
    assert sum(entry.path.endswith("/account/login") for entry in sandbox.ledger) == 1
