from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.detect.open import open_detector
from labelplan.detect.rekognition import RekognitionDetector
from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.model.spec import DetectorSettings
from tests.detect.wire import Reply, error

if TYPE_CHECKING:
    from labelplan.detect.interface import Detector
    from tests.detect.wire import Wire

CHEAP = (
    "import sys; import labelplan.detect.{name}; "
    "print({{'boto3', 'botocore', 'numpy', 'PIL', 'onnxruntime'}} & set(sys.modules))"
)
SETTINGS = DetectorSettings("rekognition", 50, 50)
OF_ACCOUNT = {"Quotas": [{"QuotaName": "Transactions per second per account of DetectLabels", "Value": 42.0}]}


def opened(settings: DetectorSettings = SETTINGS, s3_endpoint: str = "", **options: Any) -> Detector:
    return open_detector(
        settings,
        bucket="b",
        region="eu-west-1",
        fetch=lambda _, __: None,
        first_bytes=lambda _, __: None,
        max_calls=7,
        s3_endpoint=s3_endpoint,
        **options,
    )


def test_a_spec_that_names_rekognition_gets_it_in_the_buckets_region() -> None:
    detector = opened(tps=50)
    assert isinstance(detector, RekognitionDetector)
    assert detector._client.meta.region_name == "eu-west-1"
    assert detector._budget.most == 7
    detector.close()


def test_a_spec_that_names_the_local_detector_gets_that() -> None:
    pytest.importorskip("onnxruntime", reason="needs labelplan[local]")
    detector = opened(DetectorSettings("local", 50, 5))
    assert not detector.paid
    assert detector.identity == "local local-effnet-lite0+nanodet-g/1"
    assert (detector.tps, detector.tps_from) == (None, "")
    detector.check()
    detector.stop()
    assert detector.traffic().calls == 0
    detector.close()


@pytest.mark.parametrize(
    ("asked", "of_spec", "reply", "expected"),
    [
        (9.0, 8.0, OF_ACCOUNT, (9, "--tps")),
        (None, 8.0, OF_ACCOUNT, (8, "the spec")),
        (None, None, OF_ACCOUNT, (42, "Service Quotas")),
        (None, None, {"Quotas": []}, (5, "no quota known")),
    ],
)
def test_the_quota_is_what_was_asked_for_else_the_specs_else_the_accounts_else_five(
    quotas: Wire,
    asked: float | None,
    of_spec: float | None,
    reply: dict[str, Any],
    expected: tuple[float, str],
) -> None:
    quotas.play(Reply(body=json.dumps(reply).encode()))
    detector = opened(DetectorSettings("rekognition", 50, 50, tps=of_spec), tps=asked)
    assert (detector.tps, detector.tps_from) == expected
    assert bool(quotas.requests) == (asked is None and of_spec is None)
    detector.close()


def test_who_may_not_ask_for_quotas_labels_at_five_a_second(quotas: Wire) -> None:
    quotas.play(error("AccessDeniedException", "not authorized to perform: servicequotas:ListServiceQuotas"))
    detector = opened()
    assert (detector.tps, detector.tps_from) == (5, "no quota known")
    detector.close()


def test_that_the_requester_pays_reaches_the_detector(wire: Wire) -> None:
    detector = opened(tps=50, requester_pays=True)
    detector.detect(S3Object("deer.jpg", "null", "9b2c", 1000))
    assert wire.requests == []  # it would have been fetched first, and there is nothing
    detector.close()


@pytest.mark.parametrize(
    "own", ["https://rekognition.eu-west-1.amazonaws.com", "https://vpce-1.rekognition.eu-west-1.vpce.amazonaws.com"]
)
def test_aws_rekognition_is_not_asked_about_another_servers_bucket(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", own)
    with pytest.raises(AwsRefused, match=r"bucket is at http://127\.0\.0\.1:9000") as caught:
        opened(SETTINGS, "http://127.0.0.1:9000")
    assert "service: local" in caught.value.advice
    assert "AWS_ENDPOINT_URL_REKOGNITION" in caught.value.advice


def test_another_servers_bucket_may_be_labelled_by_a_server_that_stands_in_for_rekognition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9001")
    opened(SETTINGS, "http://127.0.0.1:9000", tps=5).close()


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://rekognition.eu-west-1.amazonaws.com", "rekognition"),
        ("https://vpce-1.rekognition.eu-west-1.vpce.amazonaws.com", "rekognition"),
        ("http://127.0.0.1:9001/", "rekognition at http://127.0.0.1:9001"),
        ("http://deer:hunter2@127.0.0.1:9001/labels/", "rekognition at http://127.0.0.1:9001/labels"),
        ("https://amazonaws.com.example", "rekognition at https://amazonaws.com.example"),
    ],
)
def test_awss_rekognition_is_the_same_everywhere_and_any_other_is_named_by_its_address(
    url: str, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
    detector = opened(tps=5)
    assert detector.identity == identity
    detector.close()


@pytest.mark.parametrize("name", ["open", "local", "rekognition", "convert", "quota"])
def test_no_detector_loads_a_heavy_package_before_it_is_opened(name: str) -> None:
    command = [sys.executable, "-c", CHEAP.format(name=name)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"  # noqa: S603 - our own
