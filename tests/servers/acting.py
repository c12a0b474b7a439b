"""Plans over real buckets, applied and undone as the command line does it: with the probe and the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Raw

from labelplan.flow.apply import apply_plan
from labelplan.flow.undo import undo_run
from labelplan.planfile.reader import open_plan
from labelplan.store.s3 import open_writer
from tests.flow.applying import COPY, SPEC, write_plan

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from labelplan.flow.apply import Applied
    from labelplan.flow.undo import Undone

Mode = Literal["versioning", "copy"]


def planned(folder: Path, bucket: str, delete: Collection[str], mode: Mode) -> Path:
    """Plan all that is in the bucket: *delete* goes, the rest stays."""
    return write_plan(folder / "plan.json", bucket, delete, spec=Raw(SPEC if mode == "versioning" else COPY))


def applied(path: Path, bucket: str) -> Applied:
    """Apply a plan."""
    with open_plan(path) as plan:
        return apply_plan(plan, open_writer(bucket), signer="SHA256:me")


def undone(run: str) -> Undone:
    """Undo a run; *run* as `applied` returns it."""
    bucket, _, run_id = run.partition("/")
    return undo_run(open_writer(bucket), run_id)
