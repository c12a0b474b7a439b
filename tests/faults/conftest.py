"""One stage for all stories that pytest tells: the simulated S3, a proxy in front of it, and clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.stage import Stage, staged
from tests.faults.targets import opened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with opened("simulator") as target, staged(target) as made:
        yield made
