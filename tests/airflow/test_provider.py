"""What Airflow is told, the connections, and the hooks."""

import asyncio
import json
from importlib.metadata import entry_points
from importlib.resources import files
from urllib.parse import quote

import pytest
from airflow.sdk import Connection
from airflow.sdk.definitions.connection import Connection as Named

from insightframe.airflow import FlexInstancesHook, FlowXoHook, InsightsHook
from insightframe.airflow.hooks import insights_arguments
from insightframe.errors import ConfigError, InvalidCredentials


def info():
    (entry,) = (entry for entry in entry_points(group="apache_airflow_provider") if entry.dist.name == "insightframe")
    return entry.load()()


def test_the_provider_is_of_airflows_shape():
    import jsonschema

    jsonschema.validate(info(), json.loads((files("airflow") / "provider_info.schema.json").read_text()))
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    assert ProvidersManager().providers["insightframe"].data["name"] == "Twilio Flex Insights and Flow XO"
    hooks = ProvidersManagerTaskRuntime().hooks
    assert {name for name in hooks if "fl" in name} == {"flex_insights", "flow_xo", "flex_instances"}


@pytest.mark.parametrize("hook", [InsightsHook, FlowXoHook, FlexInstancesHook])
def test_the_forms_say_what_the_hooks_read(hook):
    (form,) = (form for form in info()["connection-types"] if form["connection-type"] == hook.conn_type)
    assert form["hook-class-name"] == f"{hook.__module__}.{hook.__qualname__}"
    assert form["hook-name"] == hook.hook_name
    fields = set(form["conn-fields"])
    assert {"proxy", "ca_file"} <= fields
    assert (
        fields - {"proxy", "ca_file"}
        == {
            "flex_insights": {"workspace", "auth", "max_concurrency"},
            "flow_xo": set(),
            "flex_instances": {"account_sid"},
        }[hook.conn_type]
    )


def test_hooks_give_clients_that_work(sandbox):
    with InsightsHook().get_conn() as client:
        assert client.export("3035643", start="2023-12-01", end="2023-12-01").num_rows == 20
    assert FlowXoHook().get_conn().workflows().num_rows > 0
    assert FlexInstancesHook().get_conn().account_sid == sandbox.account_sid


def test_hooks_give_clients_to_coroutines(sandbox):
    async def use():
        async with await InsightsHook().get_async_conn() as client:
            await client.login_async()
            return client.workspace

    assert asyncio.run(use()) == sandbox.workspace


def test_connections_are_tested(sandbox, monkeypatch):
    assert InsightsHook().test_connection() == (True, f"logged in as {sandbox.username}, who may see 2 workspaces")
    assert FlowXoHook().test_connection()[0]
    assert FlexInstancesHook().test_connection() == (
        True,
        "the credentials are accepted; Flex isn't installed on the account",
    )
    for name, hook in [("FLEX_INSIGHTS", InsightsHook), ("FLOW_XO", FlowXoHook), ("FLEX_INSTANCES", FlexInstancesHook)]:
        import os

        wrong = json.loads(os.environ[f"AIRFLOW_CONN_{name}_DEFAULT"]) | {"password": "0123456789abcdef"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}_DEFAULT", json.dumps(wrong))
        worked, said = hook().test_connection()
        assert not worked
        assert "0123456789abcdef" not in said


def test_what_a_connection_leaves_out_comes_from_the_environment(sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT", json.dumps({"conn_type": "flex_insights"}))
    for name, value in [("USERNAME", sandbox.username), ("PASSWORD", sandbox.password), ("BASE_URL", sandbox.url)]:
        monkeypatch.setenv(f"FLEX_INSIGHTS_{name}", value)
    with InsightsHook(workspace=sandbox.workspace).get_conn() as client:
        client.login()
        assert client.workspace == sandbox.workspace


def test_a_connection_may_be_written_as_a_uri(sandbox, monkeypatch):
    address = sandbox.url.removeprefix("http://")
    login, password = quote(sandbox.username, safe=""), quote(sandbox.password, safe="")
    uri = f"flex-insights://{login}:{password}@{address}/http?auth=cookie"
    monkeypatch.setenv("AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT", uri)
    with InsightsHook().get_conn() as client:
        assert client.base_url == sandbox.url
        client.login()


def test_a_field_that_can_not_be_used_is_named():
    connection = Named(conn_id="here", conn_type="flex_insights", extra='{"max_concurrency": "many"}')
    with pytest.raises(ConfigError, match="`max_concurrency` of the connection `here` is `'many'`"):
        insights_arguments(connection)
    assert insights_arguments(Connection(conn_id="x", conn_type="flex_insights", host="h", port=1))["base_url"] == (
        "https://h:1"
    )


def test_a_wrong_password_is_an_error_of_ours(sandbox, monkeypatch):
    connection = {"conn_type": "flex_insights", "login": sandbox.username, "password": "no", "host": sandbox.url}
    monkeypatch.setenv("AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT", json.dumps(connection))
    with InsightsHook().get_conn() as client, pytest.raises(InvalidCredentials):
        client.login()
