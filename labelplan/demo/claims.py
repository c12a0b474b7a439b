"""What the demo claims, checked against the truth and against the bucket's bytes. Only this module reads TRUTH.tsv."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

from labelplan.errors import LabelplanError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ClaimFailed(LabelplanError):
    """The walk-through did not do what it says it does."""

    hint = "This is a bug in labelplan, or a damaged installation: please report it with the lines above."


def planted() -> set[str]:
    """Return the keys of the photographs that were put into the wrong folder on purpose, or show people."""
    rows = (resources.files(__package__) / "TRUTH.tsv").read_text(encoding="utf-8").splitlines()
    return {key for key, _, is_planted in (row.split("\t") for row in rows) if is_planted == "1"}


def check_plan(plan: Path, keys: set[str]) -> str:
    """Compare a plan's decisions with the truth; returns what was found, raises `ClaimFailed` on any difference."""
    decisions = json.loads(plan.read_text(encoding="utf-8"))["decisions"]
    deleted = {decision["key"] for decision in decisions if decision["action"] == "delete"}
    wrong, missed = sorted(deleted - planted()), sorted(planted() - deleted)
    if wrong or missed or {decision["key"] for decision in decisions} != keys:
        what = f"The plan differs from the truth. Good ones to be deleted: {wrong}; planted ones kept: {missed}"
        raise ClaimFailed(what)
    return f"{len(deleted)} to delete, {len(keys) - len(deleted)} to keep, none wrong"


def check_applied(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Check that exactly the planted photographs have gone and that nothing else has changed."""
    expected = {key: value for key, value in before.items() if key not in planted()}
    if now != expected:
        what = f"After apply the bucket should hold {len(expected)} unchanged photographs; it holds {len(now)}."
        raise ClaimFailed(what)
    return f"{len(before) - len(now)} gone, {len(now)} untouched"


def check_undone(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Check that every object is back: bytes, content type and metadata."""
    if now != before:
        back = sum(now.get(key) == value for key, value in before.items())
        what = f"After undo only {back} of {len(before)} photographs are as they were."
        raise ClaimFailed(what)
    return f"{len(now)} of {len(before)} back, byte for byte"
