"""Run records made by hand, as apply and undo would leave them: what the tests of runs and of purge speak through."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from labelplan.model.objects import Target
from labelplan.model.run import Capabilities, RunStart
from labelplan.model.spec import Backup
from labelplan.store.runs import RunRecord

if TYPE_CHECKING:
    from labelplan.store.interface import Writer

RUN = "20261122T1405Z-3f9a"
BEGAN = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC)
OVER = dt.datetime(2026, 11, 22, 14, 9, tzinfo=dt.UTC)
STATEMENT = "5" * 64
HONOURED = Capabilities(
    bulk_delete=True,
    single_delete=True,
    copy_source=True,
    copy_absent=True,
    put_absent=True,
    put_match=True,
    tags=True,
)
START = RunStart(
    format="labelplan/run/1",
    run=RUN,
    statement_sha256=STATEMENT,
    plan_sha256="6" * 64,
    target=Target("", "", "us-east-1", "nowhere", "Enabled"),
    started=BEGAN,
    signer="SHA256:alice",
    backup=Backup(),
    capabilities=HONOURED,
    strategy="bulk",
    batch=1000,
)


def begun(writer: Writer, run: str = RUN, **changes: Any) -> RunRecord:
    """Write the first file of a run of this bucket."""
    record = RunRecord(writer, run)
    assert record.reserve(replace(START, run=run, **({"target": writer.target()} | changes)))
    return record
