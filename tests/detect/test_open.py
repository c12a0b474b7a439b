from __future__ import annotations

import subprocess
import sys

import pytest

from labelplan.detect.open import open_detector
from labelplan.detect.rekognition import RekognitionDetector
from labelplan.model.spec import DetectorSettings

CHEAP = (
    "import sys; import labelplan.detect.{name}; print({{'boto3', 'numpy', 'PIL', 'onnxruntime'}} & set(sys.modules))"
)


def test_a_spec_that_names_rekognition_gets_it_in_the_buckets_region() -> None:
    settings = DetectorSettings("rekognition", 50, 50)
    detector = open_detector(settings, bucket="b", region="eu-west-1", fetch=lambda _image, _limit: None, max_calls=7)
    assert isinstance(detector, RekognitionDetector)
    assert detector._client.meta.region_name == "eu-west-1"
    assert detector._max_calls == 7
    detector.close()


def test_a_spec_that_names_the_local_detector_gets_that() -> None:
    pytest.importorskip("onnxruntime", reason="needs labelplan[local]")
    settings = DetectorSettings("local", 50, 5)
    detector = open_detector(settings, bucket="b", region="eu-west-1", fetch=lambda _image, _limit: None, max_calls=7)
    assert not detector.paid
    detector.close()


@pytest.mark.parametrize("name", ["open", "local", "rekognition"])
def test_no_detector_loads_a_heavy_package_before_it_is_opened(name: str) -> None:
    command = [sys.executable, "-c", CHEAP.format(name=name)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"  # noqa: S603 - our own
