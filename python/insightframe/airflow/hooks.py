"""Clients from Airflow's connections.

A field that a connection leaves empty is looked up where the client itself looks: in the worker's environment. So a
connection may hold nothing but a name, or all of the credentials.
"""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from insightframe import FlexInstancesClient, FlowXoClient, InsightsClient
from insightframe.errors import ConfigError, InsightframeError, NotFound

if TYPE_CHECKING:
    from airflow.sdk import Connection

__all__ = ["FlexInstancesHook", "FlowXoHook", "InsightsHook"]


class InsightsHook(BaseHook):
    """Flex Insights by a connection of type ``flex_insights``.

    Login and password are those of the Analytics Portal. The extra fields are ``workspace``, ``auth``,
    ``max_concurrency``, ``proxy`` and ``ca_file``, as `InsightsClient` takes them.

    Args:
        insights_conn_id: Name of the connection. Default ``flex_insights_default``.
        workspace: Workspace in the place of the connection's.
    """

    conn_name_attr = "insights_conn_id"
    default_conn_name = "flex_insights_default"
    conn_type = "flex_insights"
    hook_name = "Flex Insights"

    def __init__(self, insights_conn_id: str = default_conn_name, *, workspace: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.insights_conn_id = insights_conn_id
        self.workspace = workspace

    def get_conn(self) -> InsightsClient:
        """A new client, which the caller closes: ``with hook.get_conn() as client``.

        Raises:
            ConfigError: The connection has a value that can't be used, or lacks one.
        """
        return self._client(self.get_connection(self.insights_conn_id))

    async def get_async_conn(self) -> InsightsClient:
        """Like `get_conn`, for a running event loop: ``async with await hook.get_async_conn() as client``."""
        return self._client(await self.aget_connection(self.insights_conn_id))

    def test_connection(self) -> tuple[bool, str]:
        """Logs in, looks at the workspaces, and logs out."""
        try:
            with self.get_conn() as client:
                seen = client.workspaces().num_rows
        except InsightframeError as error:
            return False, str(error)
        return True, f"logged in as {client.username}, who may see {seen} workspace{'' if seen == 1 else 's'}"

    def _client(self, connection: "Connection") -> InsightsClient:
        return InsightsClient(**insights_arguments(connection, self.workspace))


class FlowXoHook(BaseHook):
    """Flow XO by a connection of type ``flow_xo``, whose password is the API key.

    The extra fields are ``proxy`` and ``ca_file``.

    Args:
        flow_xo_conn_id: Name of the connection. Default ``flow_xo_default``.
    """

    conn_name_attr = "flow_xo_conn_id"
    default_conn_name = "flow_xo_default"
    conn_type = "flow_xo"
    hook_name = "Flow XO"

    def __init__(self, flow_xo_conn_id: str = default_conn_name, **kwargs: Any):
        super().__init__(**kwargs)
        self.flow_xo_conn_id = flow_xo_conn_id

    def get_conn(self) -> FlowXoClient:
        """A new client; there is nothing to close.

        Raises:
            ConfigError: The connection has a value that can't be used, or lacks one.
        """
        return self._client(self.get_connection(self.flow_xo_conn_id))

    async def get_async_conn(self) -> FlowXoClient:
        """Like `get_conn`, for a running event loop."""
        return self._client(await self.aget_connection(self.flow_xo_conn_id))

    def test_connection(self) -> tuple[bool, str]:
        """Asks for the account's flows."""
        try:
            seen = self.get_conn().workflows(timeout=30).num_rows
        except InsightframeError as error:
            return False, str(error)
        return True, f"the key is accepted; the account has {seen} flow{'' if seen == 1 else 's'}"

    def _client(self, connection: "Connection") -> FlowXoClient:
        return FlowXoClient(connection.password or None, **_reached(connection))


class FlexInstancesHook(BaseHook):
    """Flex on a Twilio account, by a connection of type ``flex_instances``.

    Login and password are an API key and its secret, or the account's sid and token. The extra fields are
    ``account_sid``, ``proxy`` and ``ca_file``.

    Args:
        flex_instances_conn_id: Name of the connection. Default ``flex_instances_default``.
    """

    conn_name_attr = "flex_instances_conn_id"
    default_conn_name = "flex_instances_default"
    conn_type = "flex_instances"
    hook_name = "Twilio Flex instances"

    def __init__(self, flex_instances_conn_id: str = default_conn_name, **kwargs: Any):
        super().__init__(**kwargs)
        self.flex_instances_conn_id = flex_instances_conn_id

    def get_conn(self) -> FlexInstancesClient:
        """A new client; there is nothing to close.

        Raises:
            ConfigError: The connection has a value that can't be used, or lacks one.
        """
        return self._client(self.get_connection(self.flex_instances_conn_id))

    async def get_async_conn(self) -> FlexInstancesClient:
        """Like `get_conn`, for a running event loop."""
        return self._client(await self.aget_connection(self.flex_instances_conn_id))

    def test_connection(self) -> tuple[bool, str]:
        """Asks for the account's Flex configuration; that there is none is no failure of the connection."""
        try:
            client = self.get_conn()
            configuration = client.configuration(timeout=30)
        except NotFound:
            return True, "the credentials are accepted; Flex isn't installed on the account"
        except InsightframeError as error:
            return False, str(error)
        return True, f"the credentials are accepted; Flex is `{configuration.status}`"

    def _client(self, connection: "Connection") -> FlexInstancesClient:
        extra = connection.extra_dejson
        return FlexInstancesClient(
            connection.login or None,
            connection.password or None,
            account_sid=extra.get("account_sid") or None,
            **_reached(connection),
        )


def insights_arguments(connection: "Connection", workspace: str | None = None) -> dict[str, Any]:
    """What `InsightsClient` is made with for a connection."""
    extra = connection.extra_dejson
    arguments = {
        "username": connection.login or None,
        "password": connection.password or None,
        "workspace": workspace or extra.get("workspace") or None,
        "auth": extra.get("auth") or "header",
        **_reached(connection),
    }
    if extra.get("max_concurrency") not in (None, ""):
        try:
            arguments["max_concurrency"] = int(extra["max_concurrency"])
        except (TypeError, ValueError):
            raise ConfigError(
                f"`max_concurrency` of the connection `{connection.conn_id}` is `{extra['max_concurrency']!r}`, not an "
                "integer"
            ) from None
    return arguments


def _reached(connection: "Connection") -> dict[str, Any]:
    """How a service is reached; what a connection leaves out is left out."""
    extra = connection.extra_dejson
    reached: dict[str, Any] = {}
    if connection.host:
        reached["base_url"] = _base_url(connection)
    if extra.get("proxy"):
        reached["proxy"] = extra["proxy"]
    if extra.get("ca_file"):
        from insightframe import Tls

        reached["tls"] = Tls(ca_file=extra["ca_file"])
    return reached


def _base_url(connection: "Connection") -> str:
    """The host as it is when it is an address; else, as in connections written as a URI, put together to one."""
    host = connection.host or ""
    if "://" not in host:
        host = f"{connection.schema or 'https'}://{host}"
    return f"{host}:{connection.port}" if connection.port else host
