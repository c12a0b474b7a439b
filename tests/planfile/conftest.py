"""A key for the tests of the plan file; it signs nothing that leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.planfile.keys import find_signer, generate_key

if TYPE_CHECKING:
    from labelplan.planfile.keys import Signer


@pytest.fixture(scope="session")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return _made(tmp_path_factory, "alice")


@pytest.fixture(scope="session")
def bob(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return _made(tmp_path_factory, "bob")


def _made(factory: pytest.TempPathFactory, name: str) -> Signer:
    path = factory.mktemp(name) / "key"
    generate_key(path)
    return find_signer(str(path), {})
