"""What Airflow is told about this package. It is read at the start of each of its processes, so it imports nothing."""

from typing import Any

_TEXT = {"type": ["string", "null"]}

_PROXY = {
    "label": "Proxy",
    "description": "http://, https:// or socks5://; default: HTTPS_PROXY and NO_PROXY of the worker",
    "schema": _TEXT,
}
_CA_FILE = {
    "label": "CA file",
    "description": "PEM certificates on the workers that are trusted beside the operating system's",
    "schema": _TEXT,
}


def get_provider_info() -> dict[str, Any]:
    """The entry point ``apache_airflow_provider``."""
    return {
        "package-name": "insightframe",
        "name": "Twilio Flex Insights and Flow XO",
        "description": "Flex Insights reports and Flow XO counters as typed files.",
        "integrations": [
            {
                "integration-name": "Twilio Flex Insights",
                "external-doc-url": "https://www.twilio.com/docs/flex/end-user-guide/insights",
                "tags": ["service"],
            }
        ],
        "operators": [
            {"integration-name": "Twilio Flex Insights", "python-modules": ["insightframe.airflow.operators"]},
        ],
        "hooks": [{"integration-name": "Twilio Flex Insights", "python-modules": ["insightframe.airflow.hooks"]}],
        "triggers": [{"integration-name": "Twilio Flex Insights", "python-modules": ["insightframe.airflow.triggers"]}],
        "connection-types": [_flex_insights(), _flow_xo(), _flex_instances()],
    }


def _flex_insights() -> dict[str, Any]:
    return {
        "connection-type": "flex_insights",
        "hook-class-name": "insightframe.airflow.hooks.InsightsHook",
        "hook-name": "Flex Insights",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"login": "User name", "host": "Base URL"},
            "placeholders": {
                "login": "login of the Analytics Portal, not an API key",
                "host": "https://analytics.ytica.com",
            },
        },
        "conn-fields": {
            "workspace": {
                "label": "Workspace",
                "description": "32 lower-case letters and digits, as in the portal's address after workspaces/",
                "schema": {"type": ["string", "null"], "pattern": "^[a-z0-9]{32}$"},
            },
            "auth": {
                "label": "Tokens travel by",
                "schema": {"type": ["string", "null"], "enum": ["header", "cookie"], "default": "header"},
            },
            "max_concurrency": {
                "label": "Exports at once",
                "schema": {"type": ["integer", "null"], "minimum": 1, "default": 4},
            },
            "proxy": _PROXY,
            "ca_file": _CA_FILE,
        },
    }


def _flow_xo() -> dict[str, Any]:
    return {
        "connection-type": "flow_xo",
        "hook-class-name": "insightframe.airflow.hooks.FlowXoHook",
        "hook-name": "Flow XO",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "login"],
            "relabeling": {"password": "API key", "host": "Base URL"},
            "placeholders": {"host": "https://flowxo.com/api"},
        },
        "conn-fields": {"proxy": _PROXY, "ca_file": _CA_FILE},
    }


def _flex_instances() -> dict[str, Any]:
    return {
        "connection-type": "flex_instances",
        "hook-class-name": "insightframe.airflow.hooks.FlexInstancesHook",
        "hook-name": "Twilio Flex instances",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"login": "API key or account sid", "password": "Secret or auth token", "host": "Base URL"},
            "placeholders": {"login": "SK… or AC…", "host": "https://flex-api.twilio.com"},
        },
        "conn-fields": {
            "account_sid": {
                "label": "Account sid",
                "description": "AC…; needed when the user name is an API key",
                "schema": _TEXT,
            },
            "proxy": _PROXY,
            "ca_file": _CA_FILE,
        },
    }
