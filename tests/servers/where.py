"""Says which servers a test is for."""

from __future__ import annotations

import pytest

from tests.servers.running import is_installed

VERSIONED = ("moto", "ministack", "seaweedfs")
"""Those that keep versions; rclone keeps none."""


def on(*names: str) -> pytest.MarkDecorator:
    """Run a test once on each of the servers; moto needs nothing installed, so `make test` runs that part as well."""
    return pytest.mark.parametrize("server", [_one(name) for name in names], indirect=True)


def _one(name: str) -> object:
    missing = pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed: make servers")
    return pytest.param(name, marks=[] if name == "moto" else [pytest.mark.servers, missing])
