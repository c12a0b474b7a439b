"""One simulator for all tests of a module; what a test sets is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.rekognition.running import FAST, Simulator, running
from tests.simulators.rekognition.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

import msgspec


@pytest.fixture(scope="module")
def _started(s3_endpoint: str) -> Iterator[Simulator]:
    with running(s3=s3_endpoint) as simulator:
        yield simulator


@pytest.fixture
def rekognition(_started: Simulator) -> Simulator:
    """Over moto's S3, with a quota that is out of the way, answering at once."""
    _started.control(**msgspec.to_builtins(Settings()) | FAST)
    return _started


@pytest.fixture
def anywhere(rekognition: Simulator) -> Simulator:
    """One that answers for every key without reading it."""
    rekognition.control(without_s3=True)
    return rekognition
