"""A signing key for the flows' tests; made once, it signs nothing that leaves the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.planfile.keys import find_signer, generate_key

if TYPE_CHECKING:
    from labelplan.planfile.keys import Signer


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    path = tmp_path_factory.mktemp("key") / "key"
    generate_key(path)
    return find_signer(str(path), {})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is too busy is asked again at once."""
    monkeypatch.setattr("labelplan.flow.batches.Pace.hold_back", lambda *_: None)
    monkeypatch.setattr("labelplan.store.s3_records.S3Records.pause", lambda *_: None)
