"""How many calls a second are let in."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.asking import SOMEWHERE, ask, client
from tests.simulators.rekognition.quota import Ramp, TokenBucket
from tests.simulators.rekognition.running import Simulator, running

gaps = st.lists(st.floats(0, 0.3), max_size=200)


@given(gaps, st.floats(1, 300), st.floats(0.1, 5))
def test_nobody_gets_more_than_the_quota_and_one_full_bucket(gaps: list[float], rate: float, depth: float) -> None:
    bucket, now, taken = TokenBucket(rate, depth, 0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
    assert taken <= max(1, rate * depth) + rate * now + 1e-6
    assert bucket.allowed == pytest.approx(rate * now)


@pytest.mark.parametrize("rate", [5, 50, 200])
def test_who_comes_in_time_gets_all_of_the_quota(rate: int) -> None:
    bucket = TokenBucket(rate, 1, 0)
    taken = sum(bucket.take(number / (3 * rate)) for number in range(60 * rate))
    assert taken == pytest.approx(rate + 20 * rate, abs=2)


def test_a_quota_that_changes_counts_from_then_on() -> None:
    bucket = TokenBucket(100, 1, 0)
    bucket.change(10, 1, 2)
    assert bucket.flow(3) == 10
    assert bucket.allowed == 210
    assert sum(bucket.take(3) for _ in range(50)) == 10


def test_the_first_calls_are_no_sudden_increase_and_the_eleventh_in_a_second_is() -> None:
    ramp = Ramp()
    assert [_let_in(ramp, 100 + number / 100) for number in range(12)] == [True] * 10 + [False] * 2


def test_a_rate_that_grows_by_steps_is_let_in_and_a_jump_is_not() -> None:
    ramp, now = Ramp(), 100.0
    for rate in (8, 10, 15, 20, 30, 40, 60, 80, 120, 160, 200):
        for _ in range(rate):
            now += 1 / rate
            assert _let_in(ramp, now), rate
    steady, now = Ramp(), 100.0
    for _ in range(50):
        now += 0.125
        assert _let_in(steady, now)
    assert sum(_let_in(steady, now + number / 100) for number in range(100)) == pytest.approx(34, abs=10)


def test_after_a_rest_it_starts_again() -> None:
    ramp = Ramp()
    for number in range(1000):
        _let_in(ramp, 100 + number / 100)
    assert sum(_let_in(ramp, 200 + number / 100) for number in range(100)) == 10


def _let_in(ramp: Ramp, now: float) -> bool:
    if allowed := ramp.allows(3, now):
        ramp.count(now)
    return allowed


def test_a_call_over_the_quota_is_throttled_and_costs_nothing(anywhere: Simulator) -> None:
    before = anywhere.totals()
    anywhere.control(tps=0.001)
    replies = [ask(anywhere, {"Image": SOMEWHERE}) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 400, 400]
    assert replies[1].body["__type"] == "ProvisionedThroughputExceededException"
    assert replies[1].body["Message"] == "Provisioned Rate exceeded."
    after = anywhere.totals()
    assert {kind: after[kind] - before[kind] for kind in ("billed", "throttled", "admitted", "attempts")} == {
        "billed": 1, "throttled": 2, "admitted": 1, "attempts": 3,
    }  # fmt: skip


def test_a_sudden_increase_is_told_to_slow_down(anywhere: Simulator) -> None:
    anywhere.control(ramp=1)
    asked = client(anywhere)
    with pytest.raises(ClientError, match="Slow down; sudden increase in rate of requests") as refused:  # noqa: PT012 - which one, is the machine's business
        for _ in range(40):
            asked.detect_labels(Image=SOMEWHERE)
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_allowed_grows_with_time_and_quota(anywhere: Simulator) -> None:
    anywhere.control(tps=200)
    one, other = anywhere.totals(), anywhere.totals()
    assert other["allowed"] - one["allowed"] == pytest.approx(200 * (other["now"] - one["now"]))


@pytest.mark.parametrize("size", [2, 100])
def test_service_quotas_tells_the_quota(rekognition: Simulator, size: int) -> None:
    rekognition.control(tps=37)
    quotas = _quotas(rekognition).get_paginator("list_service_quotas")
    found = quotas.paginate(ServiceCode="rekognition", PaginationConfig={"PageSize": size}).search("Quotas[]")
    values = {quota["QuotaName"]: quota["Value"] for quota in found}
    name = "Transactions per second per account for the Amazon Rekognition Image operation DetectLabels"
    assert values.pop(name) == 37
    assert 37 not in values.values()
    assert len(values) > 2


def test_the_default_quota_is_not_the_accounts(rekognition: Simulator) -> None:
    rekognition.control(tps=37)
    defaults = _quotas(rekognition).list_aws_default_service_quotas(ServiceCode="rekognition")["Quotas"]
    assert [quota["Value"] for quota in defaults if quota["QuotaName"].endswith("DetectLabels")] == [5]


def test_service_quotas_can_be_denied(rekognition: Simulator) -> None:
    rekognition.control(no_quotas=True)
    with pytest.raises(ClientError, match=r"AccessDeniedException.*servicequotas:ListServiceQuotas"):
        _quotas(rekognition).list_service_quotas(ServiceCode="rekognition")


def test_service_quotas_knows_no_other_service(rekognition: Simulator) -> None:
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        _quotas(rekognition).list_service_quotas(ServiceCode="s3")
    with pytest.raises(ClientError, match="IllegalArgumentException"):
        _quotas(rekognition).list_service_quotas(ServiceCode="rekognition", NextToken="x")


def test_quotas_are_told_without_an_s3_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with running(without_s3=True, tps=5) as simulator:
        quotas = _quotas(simulator).list_service_quotas(ServiceCode="rekognition")["Quotas"]
        with pytest.raises(ValueError, match="without S3"):
            simulator.control(without_s3=False)
    assert 5 in {quota["Value"] for quota in quotas}


def _quotas(simulator: Simulator) -> Any:
    return boto3.session.Session().client("service-quotas", endpoint_url=simulator.url)
