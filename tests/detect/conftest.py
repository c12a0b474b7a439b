"""Rekognition's wire on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.detect.wire import Wire, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Rekognition as far as botocore can see."""
    with running() as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", made.url)
        yield made


@pytest.fixture
def quotas(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The same wire, asked for Service Quotas as well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", wire.url)
    return wire
