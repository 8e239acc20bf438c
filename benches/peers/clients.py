"""Every way to get a report from the service that is compared, each set up as its own documentation says.

All of them do the same: log in, execute the report, ask until the result is there, and read it; nobody waits longer than
he has to, and everybody accepts gzip. A client is opened before the clock starts, without a connection. Types are found
by everybody himself, as the service knows nothing of the file that it sends.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contenders import EIGHT_MEGABYTES, Streamed, drained, pyarrow_options


@dataclass(frozen=True)
class Service:
    """How a service is reached, and by whom."""

    url: str
    username: str
    password: str
    workspace: str
    report: str


# The method, the path, what is sent as JSON, and the headers; gives the status and the library's own response.
Send = Callable[[str, str, Any, Mapping[str, str]], tuple[int, Any]]


class Client(NamedTuple):
    """How a client is opened, and how it gets the report."""

    open: Callable[[Service], Any]
    run: Callable[[Any, Service], Any]


def result(service: Service, send: Send) -> Any:
    """The response that has the result."""
    login = {"login": service.username, "password": service.password, "remember": 0, "verify_level": 2}
    _, session = send("POST", "/gdc/account/login", {"postUserLogin": login}, {})
    token = {"X-GDC-AuthTT": session.headers["X-GDC-AuthTT"]}
    report = {"report_req": {"report": f"/gdc/md/{service.workspace}/obj/{service.report}"}}
    _, accepted = send("POST", f"/gdc/app/projects/{service.workspace}/execute/raw", report, token)
    uri = accepted.json()["uri"]
    status = 202
    while status == 202:
        status, response = send("GET", uri, None, token)
    if status != 200:
        raise RuntimeError(f"status {status}")
    return response


# ours


def open_ours(service: Service) -> Any:
    from insightframe import InsightsClient
    from insightframe.config import Polling

    return InsightsClient(
        service.username,
        service.password,
        workspace=service.workspace,
        base_url=service.url,
        polling=Polling(initial=0.001, factor=1),
    )


def ours_table(client: Any, service: Service) -> Any:
    return client.export(service.report, schema="infer").to_polars()


def ours_stream(client: Any, service: Service) -> Streamed:
    return drained(client.stream(service.report, schema="infer"))


# urllib3, alone and with pyarrow


def open_urllib3(service: Service) -> Any:
    import urllib3

    return urllib3.PoolManager()


def by_urllib3(pool: Any, service: Service) -> Any:
    import urllib3

    accept = urllib3.make_headers(accept_encoding=True)

    def send(method: str, path: str, json: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        # What is asked for with `GET` is read as it arrives.
        response = pool.request(
            method, service.url + path, json=json, headers=accept | dict(headers), preload_content=method != "GET"
        )
        if response.status == 202:
            response.drain_conn()
        return response.status, response

    return result(service, send)


def urllib3_pyarrow_table(pool: Any, service: Service) -> Any:
    from pyarrow.csv import read_csv

    return read_csv(by_urllib3(pool, service), **pyarrow_options(block=EIGHT_MEGABYTES))


def urllib3_pyarrow_stream(pool: Any, service: Service) -> Streamed:
    from pyarrow.csv import open_csv

    return drained(open_csv(by_urllib3(pool, service), **pyarrow_options()))


# requests and pandas


def open_requests(service: Service) -> Any:
    import requests

    return requests.Session()


def requests_pandas(session: Any, service: Service) -> Any:
    import pandas

    def send(method: str, path: str, json: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        response = session.request(method, service.url + path, json=json, headers=headers)
        return response.status_code, response

    return pandas.read_csv(io.BytesIO(result(service, send).content))


# httpx and polars


def open_httpx(service: Service) -> Any:
    import httpx

    return httpx.Client(base_url=service.url)


def httpx_polars(client: Any, service: Service) -> Any:
    import polars

    def send(method: str, path: str, json: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        response = client.request(method, path, json=json, headers=headers)
        return response.status_code, response

    return polars.read_csv(result(service, send).content)


# nothing but the bytes, as they are on the wire: what the service and the socket give


def only_drained(pool: Any, service: Service) -> Streamed:
    rest = by_urllib3(pool, service).stream(1 << 20, decode_content=False)
    next(rest)
    first = time.perf_counter()
    for _ in rest:
        pass
    return Streamed(None, {}, first)


OURS = Client(open_ours, ours_table)
OURS_STREAM = Client(open_ours, ours_stream)
DRAINED = Client(open_urllib3, only_drained)

CLIENTS: dict[str, dict[str, Client]] = {
    "socket": {
        "insightframe": OURS,
        "urllib3 + pyarrow": Client(open_urllib3, urllib3_pyarrow_table),
        "httpx + polars": Client(open_httpx, httpx_polars),
        "requests + pandas": Client(open_requests, requests_pandas),
        "only drained": DRAINED,
    },
    "socket stream": {
        "insightframe": OURS_STREAM,
        "urllib3 + pyarrow": Client(open_urllib3, urllib3_pyarrow_stream),
        "only drained": DRAINED,
    },
}
