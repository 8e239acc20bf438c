"""Nothing in the environment of whoever runs the tests reaches them."""

import os

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"}
    for name in list(os.environ):
        if name.startswith(("FLEX_", "FLOWXO_", "INSIGHTFRAME_", "TWILIO_")) or name.lower() in proxies:
            monkeypatch.delenv(name)
