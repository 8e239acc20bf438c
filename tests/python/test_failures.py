"""What goes wrong at the service, as errors that say what was asked, what came, where, and what to do."""

import pickle
import re
import traceback

import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Limits, Retry
from insightframe.errors import (
    ConnectFailed,
    CsvError,
    DeadlineExceeded,
    Forbidden,
    InsightframeError,
    InvalidCredentials,
    LimitExceeded,
    LoginThrottled,
    NotFound,
    RateLimited,
    ResultChanged,
    ResultGone,
    ResultIncomplete,
    ResultTooLarge,
    SchemaMismatch,
    ServerFault,
    Stalled,
    UnexpectedReply,
    UntrustedUri,
)
from insightframe.sandbox import Sandbox
from ledger import logins, looks

REPORT = "3035643"
RESULT = "*/execute/raw/*"
pytestmark = pytest.mark.insights_sandbox(rows=50, raw_202_count=0)


def text(error: BaseException) -> str:
    """The message, without what differs from run to run."""
    message = re.sub(r"request id [\w:-]+", "request id …", str(error))
    message = re.sub(r"execute/raw/\w{20,}", "execute/raw/…", message)
    message = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", message)
    return re.sub(r"in \d+\.\d s", "in … s", message)


def test_an_unknown_report(insights_client: InsightsClient) -> None:
    with pytest.raises(NotFound) as caught:
        insights_client.export(999)
    assert text(caught.value) == snapshot(
        "POST /gdc/app/projects/sandboxws0000000000000000000one1/execute/raw answered 404: Object ID 999 not found [request id …]"
    )
    error = caught.value
    assert (error.status, error.method, error.code) == (404, "POST", "GDC::Exception::NotFound")
    assert error.path == "/gdc/app/projects/sandboxws0000000000000000000one1/execute/raw"
    assert error.request_id is not None
    assert not error.retryable


def test_every_unknown_identifier_is_named(insights_client: InsightsClient) -> None:
    with pytest.raises(NotFound) as caught:
        insights_client.identifiers(["no.such", "date.date.mmddyyyy", "nor.this"])
    assert text(caught.value) == snapshot("""\
POST /gdc/md/sandboxws0000000000000000000one1/identifiers answered 200: workspace `sandboxws0000000000000000000one1` doesn't have the identifiers `no.such`, `nor.this`
hint: identifiers are case-sensitive, and an object may exist in another workspace alone\
""")
    with pytest.raises(NotFound) as caught:
        insights_client.export("aaNoSuchRprt")
    assert "`aaNoSuchRprt`" in str(caught.value)
    with pytest.raises(NotFound) as caught:
        insights_client.export(REPORT, start="2023-12-01", end="2023-12-01", date="date.nosuch")
    assert "`date.nosuch`" in str(caught.value)
    with pytest.raises(NotFound) as caught:
        insights_client.uris(["/gdc/md/sandboxws0000000000000000000one1/obj/99999999"])
    assert text(caught.value) == snapshot(
        "POST /gdc/md/sandboxws0000000000000000000one1/identifiers answered 200: workspace `sandboxws0000000000000000000one1` doesn't have the address `/gdc/md/sandboxws0000000000000000000one1/obj/99999999`"
    )


def test_a_workspace_of_somebody_else(insights_client: InsightsClient) -> None:
    with pytest.raises(Forbidden) as caught:
        insights_client.export(REPORT, workspace="a" * 32)
    assert text(caught.value) == snapshot(
        "POST /gdc/app/projects/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/execute/raw answered 403: Access denied [request id …]"
    )
    assert caught.value.status == 403


def test_a_wrong_password_is_sent_once(insights_sandbox: Sandbox) -> None:
    client = insights_sandbox.insights_client(password="wrong")
    for _ in range(3):
        with pytest.raises(InvalidCredentials) as caught:
            client.export(REPORT)
        assert text(caught.value) == snapshot("""\
the service refused the login of `sandbox@example.com`: Bad Login or Password!
hint: Flex Insights has logins of its own, issued by Twilio's support; Twilio API keys don't work here. The password isn't sent again by this client\
""")
    assert len(logins(insights_sandbox)) == 1


@pytest.mark.insights_sandbox(login_lockout={"tries": 1, "window": 600, "retry_after": 60})
def test_logins_that_are_refused_for_a_while(insights_sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises((InvalidCredentials, LoginThrottled)):
            insights_sandbox.insights_client(password="wrong").login()
    with pytest.raises(LoginThrottled) as caught:
        insights_sandbox.insights_client().login()
    assert text(caught.value) == snapshot("""\
the service refuses logins for now: too many failed ones; it asks to wait 60 s
hint: the account is locked for a while after failed logins; check the password before the next one\
""")
    assert caught.value.retry_after == 60
    assert caught.value.retryable


def test_nobody_answers(insights_sandbox: Sandbox) -> None:
    client = insights_sandbox.insights_client(retry=Retry(attempts=2, base=0))
    insights_sandbox.close()
    with pytest.raises(ConnectFailed) as caught:
        client.export(REPORT)
    assert f"no connection to {insights_sandbox.url}: " in str(caught.value)
    assert caught.value.attempts == 2


@pytest.mark.parametrize("path", ["/gdc/account/login", "*/execute/raw", RESULT])
def test_html_instead_of_an_answer(insights_client: InsightsClient, insights_sandbox: Sandbox, path: str) -> None:
    insights_sandbox.fault("html", path=path, times=None)
    with pytest.raises(UnexpectedReply) as caught:
        insights_client.export(REPORT)
    assert caught.value.status == 200
    # The answer to a login is not shown: it may repeat what was sent.
    assert ("Please wait" in caught.value.excerpt) == (path != "/gdc/account/login")
    if path == RESULT:
        assert text(caught.value) == snapshot(
            "GET /gdc/projects/sandboxws0000000000000000000one1/execute/raw/… answered 200: expected `text/csv`, found `Please wait …` [request id …]"
        )


def test_garbage_instead_of_json(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("garbage_json", path="*/execute/raw")
    with pytest.raises(UnexpectedReply) as caught:
        insights_client.export(REPORT)
    assert text(caught.value) == snapshot(
        'POST /gdc/app/projects/sandboxws0000000000000000000one1/execute/raw answered 200: expected `uri` of the result, found `{\\"userLogin\\":{\\"profile\\":` [request id …]'
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/gdc/projects/x/execute/raw/1",
        "//evil.example/gdc/x",
        "/\\\\evil.example/gdc/x",
        "@evil.example/gdc/x",
        "/gdc/../../secret",
    ],
)
def test_an_address_that_leads_elsewhere(insights_client: InsightsClient, insights_sandbox: Sandbox, uri: str) -> None:
    insights_sandbox.fault("status", path="*/execute/raw", status=201, body=f'{{"uri":"{uri}"}}')
    with pytest.raises(UntrustedUri) as caught:
        insights_client.export(REPORT)
    assert caught.value.uri == uri
    assert caught.value.reason
    if uri.startswith("https"):
        assert text(caught.value) == snapshot(
            "the service sent the address `https://evil.example/gdc/projects/x/execute/raw/1`, which is not followed: it leads to another origin than the base address"
        )
    assert looks(insights_sandbox) == []


def test_a_redirect_to_elsewhere(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("redirect", path=RESULT, to="https://evil.example/gdc/x", times=None)
    with pytest.raises(UntrustedUri) as caught:
        insights_client.export(REPORT)
    assert "evil.example" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "arguments"),
    [
        ("cut", {"after": 1000}),
        ("reset", {"after": 1000}),
        ("missing_final_chunk", {}),
        ("wrong_length", {"by": 10}),
    ],
)
def test_a_body_that_is_cut_short(
    insights_client: InsightsClient, insights_sandbox: Sandbox, fault: str, arguments: dict[str, int]
) -> None:
    insights_sandbox.fault(fault, path=RESULT, times=None, **arguments)
    with pytest.raises(ResultIncomplete) as caught:
        insights_client.export(REPORT)
    assert caught.value.handle is not None
    assert caught.value.retryable
    if fault == "cut":
        assert text(caught.value) == snapshot(
            "the result broke off after 1000 bytes: GET /gdc/projects/sandboxws0000000000000000000one1/execute/raw/…: the connection broke: error decoding response body: error reading a body from connection: unexpected EOF during chunk size line (after 4 attempts in … s)"
        )
    insights_sandbox.clear_faults()
    assert len(insights_client.resume(caught.value.handle)) == 50
    assert insights_sandbox.executions == 1


def test_a_result_that_changes_under_the_download(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("reset", path=RESULT, after=2000)
    insights_sandbox.fault("changed_result", path=RESULT, skip=1)
    with pytest.raises(ResultChanged) as caught:
        insights_client.export(REPORT)
    assert text(caught.value) == snapshot("""\
fetched again, the first 2000 bytes of the result differ (after 2 attempts in … s)
hint: export the report again; nothing of the two results was mixed\
""")


@pytest.mark.insights_sandbox(quote_escape="backslash", rows=500)
def test_a_damaged_cell(insights_client: InsightsClient) -> None:
    with pytest.raises(CsvError) as caught:
        insights_client.export("3035653", schema="text")
    error = caught.value
    assert text(error) == snapshot(
        'text behind a closing quote in record 5, line 7, byte 3059, column `Handling Team`: near `o","","Americas ▸ Support ▸ Night \\"O`'
    )
    assert error.column == "Handling Team"
    assert error.record > 0
    assert error.line >= error.record
    assert 0 < len(error.snippet) <= 80
    assert isinstance(error, ValueError)


def test_a_cell_that_does_not_fit(insights_client: InsightsClient) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        insights_client.export(REPORT, schema={"Queue": "int64"})
    error = caught.value
    assert text(error) == snapshot("""\
column `Queue`, record 1: `Support EN` is not a valid int64
hint: read the column as text: schema={"Queue": "text"}\
""")
    assert (error.column, error.record, error.value, error.expected) == ("Queue", 1, "Support EN", "int64")
    with pytest.raises(SchemaMismatch) as caught:
        insights_client.export(REPORT, schema={"queue": "text"})
    assert text(caught.value) == snapshot("""\
column `queue`: expected a column of this name in the header, found `Queue`, `Date`, `Interval 15 Minutes`, `Channel`, `Direction`, `Offered Contacts`, `Average Handle Time`, `Abandons`, `Service Level`, `Average Speed of Answer`, `Volume Handled`
hint: names are matched letter by letter, as the header writes them\
""")


@pytest.mark.insights_sandbox(oversize_export=10)
def test_a_result_that_is_too_large_for_the_service(insights_client: InsightsClient) -> None:
    with pytest.raises(ResultTooLarge) as caught:
        insights_client.export(REPORT)
    assert text(caught.value) == snapshot("""\
the result is too large for the service: GET /gdc/projects/sandboxws0000000000000000000one1/execute/raw/… answered 413: Result of the report is too large. [request id …]
hint: export fewer days at a time: `every="1d"` cuts them into windows\
""")
    assert not caught.value.retryable


def test_a_result_that_is_gone(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("status", path=RESULT, status=410, times=None)
    with pytest.raises(ResultGone) as caught:
        insights_client.export(REPORT)
    assert text(caught.value) == snapshot("""\
the service no longer has the result: GET /gdc/projects/sandboxws0000000000000000000one1/execute/raw/… answered 410: The server has not found anything matching the Request-URI. No indication is given of whether the condition is temporary or permanent. [request id …]
hint: export the report again\
""")


def test_a_limit(insights_sandbox: Sandbox) -> None:
    with (
        insights_sandbox.insights_client(limits=Limits(csv_bytes=1000)) as client,
        pytest.raises(LimitExceeded) as caught,
    ):
        client.export(REPORT)
    error = caught.value
    assert (error.limit, error.allowed) == ("csv_bytes", 1000)
    assert error.observed > 1000


@pytest.mark.parametrize(("status", "expected"), [(503, ServerFault), (500, ServerFault), (429, RateLimited)])
def test_a_service_that_fails(insights_sandbox: Sandbox, status: int, expected: type[InsightframeError]) -> None:
    insights_sandbox.fault("status", path=RESULT, status=status, retry_after="0", times=None)
    with insights_sandbox.insights_client(retry=Retry(base=0)) as client, pytest.raises(expected) as caught:
        client.export(REPORT)
    error = caught.value
    assert type(error) is expected
    assert (error.attempts, error.retryable, error.status) == (3, True, status)  # type: ignore[attr-defined]
    if status == 503:
        assert text(error) == snapshot(
            "GET /gdc/projects/sandboxws0000000000000000000one1/execute/raw/… answered 503: Scheduled maintenance in progress. Please try again later. [request id …] (after 3 attempts in … s)"
        )


def test_a_service_that_goes_silent(insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw", times=None)
    options = {"limits": Limits(idle=0.1), "retry": Retry(attempts=1)}
    with insights_sandbox.insights_client(**options) as client, pytest.raises(Stalled) as caught:
        client.export(REPORT)
    assert text(caught.value) == snapshot(
        "POST /gdc/app/projects/sandboxws0000000000000000000one1/execute/raw: no answer within … s"
    )


def test_time_that_runs_out(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path=RESULT)
    with pytest.raises(DeadlineExceeded) as caught:
        insights_client.export(REPORT, timeout=0.1)
    error = caught.value
    assert text(error) == snapshot("not done within … s; the time ran out while polling")
    assert (error.phase, error.allowed) == ("polling", 0.1)
    assert isinstance(error, TimeoutError)
    assert error.handle is not None


def test_errors_travel_with_all_they_know(insights_client: InsightsClient) -> None:
    with pytest.raises(NotFound) as caught:
        insights_client.export(999)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert type(twin) is NotFound
    assert (str(twin), vars(twin)) == (str(caught.value), vars(caught.value))
    shown = "".join(traceback.format_exception(caught.value))
    assert "insightframe.errors.NotFound: POST /gdc/app/projects/" in shown
