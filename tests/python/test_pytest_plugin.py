import pytest

from insightframe import InsightsClient
from insightframe.sandbox import Sandbox


@pytest.mark.insights_sandbox(rows=10, raw_202_count=0)
def test_the_fixtures_work_together(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    table = insights_client.export("3035643")
    assert table.num_rows == 10
    assert insights_sandbox.executions == 1


@pytest.mark.insights_sandbox(rows=20, raw_202_count=0)
@pytest.mark.parametrize("insights_sandbox", [{"rows": 1}, {"seed": 2}], indirect=True, ids=["one", "twenty"])
def test_parameters_win_over_markers(request: pytest.FixtureRequest, insights_client: InsightsClient) -> None:
    expected = {"one": 1, "twenty": 20}[request.node.callspec.id]
    assert insights_client.export("3035643").num_rows == expected


def test_each_test_has_a_sandbox_of_its_own(insights_sandbox: Sandbox) -> None:
    assert insights_sandbox.ledger == []


def test_the_client_is_logged_out_after_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import insightframe.sandbox, pytest

        kept = []

        @pytest.fixture
        def insights_sandbox(insights_sandbox):
            kept.append(insights_sandbox)
            yield insights_sandbox
            kept.append([(entry.method, entry.status) for entry in insights_sandbox.ledger])

        def test_login(insights_client):
            insights_client.login()

        def test_afterwards():
            assert kept[-1][-1] == ("DELETE", 204)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)
