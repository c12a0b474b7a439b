"""Says which servers a test is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.running import is_installed

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

VERSIONED = ("moto", "simulator", "ministack", "seaweedfs")
"""Those that keep versions; rclone keeps none."""

AT_HAND = ("moto", "simulator")
"""Those that need nothing installed."""


def on(*names: str) -> pytest.MarkDecorator:
    """Run a test once on each of the servers; `make test` runs the part that needs nothing installed."""
    return pytest.mark.parametrize("server", [one(name) for name in names], indirect=True)


def one(name: str) -> ParameterSet:
    """Make the parameter `server` for one of them."""
    missing = pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed: make servers")
    return pytest.param(name, marks=[] if name in AT_HAND else [pytest.mark.servers, missing])
