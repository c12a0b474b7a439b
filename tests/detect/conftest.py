"""Rekognition's wire on this machine, and a botocore that does not wait between its attempts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.detect.wire import Wire, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Rekognition as far as botocore can see, with no pause before another attempt."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_args, **_kwargs: True)
    with running() as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", made.url)
        yield made
