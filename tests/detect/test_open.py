from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from labelplan.detect.open import open_detector
from labelplan.detect.rekognition import RekognitionDetector
from labelplan.errors import AwsRefused
from labelplan.model.spec import DetectorSettings

if TYPE_CHECKING:
    from labelplan.detect.interface import Detector

CHEAP = (
    "import sys; import labelplan.detect.{name}; print({{'boto3', 'numpy', 'PIL', 'onnxruntime'}} & set(sys.modules))"
)


def opened(settings: DetectorSettings, s3_endpoint: str = "") -> Detector:
    return open_detector(
        settings, bucket="b", region="eu-west-1", fetch=lambda _, __: None, max_calls=7, s3_endpoint=s3_endpoint
    )


def test_a_spec_that_names_rekognition_gets_it_in_the_buckets_region() -> None:
    settings = DetectorSettings("rekognition", 50, 50)
    detector = opened(settings)
    assert isinstance(detector, RekognitionDetector)
    assert detector._client.meta.region_name == "eu-west-1"
    assert detector._max_calls == 7
    detector.close()


def test_a_spec_that_names_the_local_detector_gets_that() -> None:
    pytest.importorskip("onnxruntime", reason="needs labelplan[local]")
    settings = DetectorSettings("local", 50, 5)
    detector = opened(settings)
    assert not detector.paid
    detector.close()


@pytest.mark.parametrize(
    "own", ["https://rekognition.eu-west-1.amazonaws.com", "https://vpce-1.rekognition.eu-west-1.vpce.amazonaws.com"]
)
def test_aws_rekognition_is_not_asked_about_another_servers_bucket(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", own)
    with pytest.raises(AwsRefused, match=r"bucket is at http://127\.0\.0\.1:9000") as caught:
        opened(DetectorSettings("rekognition", 50, 50), "http://127.0.0.1:9000")
    assert "service: local" in caught.value.advice
    assert "AWS_ENDPOINT_URL_REKOGNITION" in caught.value.advice


def test_another_servers_bucket_may_be_labelled_by_a_server_that_stands_in_for_rekognition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9001")
    opened(DetectorSettings("rekognition", 50, 50), "http://127.0.0.1:9000").close()


@pytest.mark.parametrize("name", ["open", "local", "rekognition"])
def test_no_detector_loads_a_heavy_package_before_it_is_opened(name: str) -> None:
    command = [sys.executable, "-c", CHEAP.format(name=name)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"  # noqa: S603 - our own
