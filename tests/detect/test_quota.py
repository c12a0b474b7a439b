from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.detect.quota import find_quota, read_quotas
from labelplan.detect.rekognition_client import make_client
from tests.detect.wire import Reply, Request, error

if TYPE_CHECKING:
    from tests.detect.wire import Wire

NAME = "Transactions per second per account for the Amazon Rekognition Image operation "


def quota(name: str, value: Any = 50.0) -> dict[str, Any]:
    return {"QuotaName": name, "Value": value}


def page(*quotas: dict[str, Any], more: str = "") -> Reply:
    return Reply(body=json.dumps({"Quotas": quotas} | ({"NextToken": more} if more else {})).encode())


def found() -> float | None:
    return find_quota("eu-west-1", make_client("eu-west-1"))


@pytest.mark.parametrize(
    ("listed", "tps"),
    [
        ([quota(NAME + "DetectLabels")], 50),
        ([quota("DetectLabels TPS", 7)], 7),
        ([quota(NAME + "DetectFaces", 9), quota(NAME + "DetectLabels", 7.5)], 7.5),
        ([quota(NAME + "DetectLabels and DetectText", 9), quota(NAME + "DetectLabels", 12)], 12),
        ([quota(NAME + "DetectLabels and DetectText", 9)], 9),
        ([quota(NAME + "DetectLabels", 12), quota(NAME + "DetectLabels", 5)], 5),
        (
            [quota(NAME + "DetectModerationLabels"), quota(NAME + "StartLabelDetection"), quota("DetectLabels jobs")],
            None,
        ),
        ([quota(NAME + "DetectLabels", bad) for bad in (0, -1, float("nan"), float("inf"), None)], None),
        ([], None),
    ],
)
def test_of_all_quotas_only_the_calls_of_detectlabels_a_second_count(
    listed: list[dict[str, Any]], tps: float | None
) -> None:
    assert read_quotas(listed) == tps


def test_it_is_found_on_any_page(quotas: Wire) -> None:
    quotas.play(page(quota(NAME + "DetectFaces"), more="2"), page(quota(NAME + "DetectLabels", 42)))
    assert found() == 42
    assert [request.target for request in quotas.requests] == ["ServiceQuotasV20190624.ListServiceQuotas"] * 2
    assert [request.body for request in quotas.requests] == [
        {"ServiceCode": "rekognition", "MaxResults": 100},
        {"ServiceCode": "rekognition", "MaxResults": 100, "NextToken": "2"},
    ]


def test_an_account_that_never_asked_for_more_has_awss_default(quotas: Wire) -> None:
    def script(request: Request) -> Reply:
        return page(quota(NAME + "DetectLabels", 5)) if "Default" in request.target else page()

    quotas.script = script
    assert found() == 5


@pytest.mark.parametrize(
    "reply",
    [
        error("AccessDeniedException", "No."),
        error("InternalFailure", "Oh", 500),
        Reply(500, b"[]"),
        Reply(lost=True),
        Reply(body=b"<html>"),
        Reply(body=b"[]"),
        Reply(body=b'{"Quotas":5}'),
        Reply(body=b'{"Quotas":[{"QuotaName":["DetectLabels per second"],"Value":"many"}]}'),
        Reply(body=b'{"Quotas":[{"QuotaName":"DetectLabels per second","Value":"many"}]}'),
        page(more="1"),
        page(quota(NAME + "DetectLabels", 1e308)),
        page(quota(NAME + "DetectLabels", 1e-300)),
        Reply(body=b'{"Quotas":[{"QuotaName":"DetectLabels per second","Value":1' + b"0" * 500 + b"}]}"),
        Reply(body=b'{"Quotas":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ],
    ids=range(14),
)
def test_when_nobody_tells_there_is_no_quota_and_no_error(quotas: Wire, reply: Reply) -> None:
    quotas.play(reply)
    assert found() is None
    assert quotas.requests


def test_without_credentials_there_is_no_quota(quotas: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert found() is None
    assert quotas.requests == []


def test_aws_is_not_asked_about_a_server_that_stands_in_for_rekognition(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", "https://servicequotas.eu-west-1.amazonaws.com")
    sent: list[object] = []
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", lambda _self, request: sent.append(request))
    assert found() is None
    assert sent == wire.requests == []
