from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.cli.apply import _announce, _announce_way_back
from labelplan.errors import NoWayBack
from labelplan.flow.apply import Readiness
from labelplan.flow.wayback import WayBack
from labelplan.model.objects import Target
from labelplan.model.plan import Totals
from labelplan.model.run import Capabilities
from labelplan.model.spec import Backup

if TYPE_CHECKING:
    from labelplan.model.objects import Versioning
    from tests.servers.acting import Mode


def test_what_stands_above_the_question_cannot_rewrite_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Names come from the plan and the signers file; either may hold terminal codes."""
    predicate = SimpleNamespace(
        target=Target("", "", "", "wild", "Enabled"),
        totals=Totals(decisions=9, keep=4, delete=5, unreadable=1, delete_bytes=1),
    )
    counts = {"deer\x1b[1A\x1b[2K": {("delete", "no-evidence"): 5, ("keep", "evidence"): 4}}
    verified: Any = SimpleNamespace(
        plan=SimpleNamespace(statement=SimpleNamespace(predicate=predicate), counts=counts),
        endorsement=SimpleNamespace(author="alice\u202e", approvers=("bob",)),
    )
    _announce(verified)
    assert capsys.readouterr().err == (
        '"s3://wild, planned by alice\\u202e, approved by bob"\n'
        '  "deer\\u001b[1A\\u001b[2K": delete 5 no-evidence, keep 4\n'
        "Plan: 5 to delete, 3 to keep, 1 unreadable.\n"
    )


def announced(
    found: Capabilities, *, resumed: bool = False, versioning: Versioning = "Enabled", mode: Mode = "versioning"
) -> None:
    predicate = SimpleNamespace(totals=Totals(decisions=9, keep=4, delete=5, unreadable=1, delete_bytes=1))
    verified: Any = SimpleNamespace(plan=SimpleNamespace(statement=SimpleNamespace(predicate=predicate)))
    way_back = WayBack(dt.datetime(2026, 12, 22, 14, 5, tzinfo=dt.UTC), True, ("markers are replicated\x1b[2K",))
    _announce_way_back(
        verified, Readiness(Target("", "", "", "wild", versioning), Backup(mode), way_back, resumed), found
    )


def test_the_way_back_its_end_and_what_else_was_read_stand_above_the_question(
    capsys: pytest.CaptureFixture[str],
) -> None:
    announced(Capabilities(*[True] * 7))
    assert capsys.readouterr().err == (
        "The way back: the versions of the bucket.\n"
        "Can be undone until 2026-12-22 14:05 UTC.\n"
        '  Note: "markers are replicated\\u001b[2K"\n'
    )


def test_a_slower_way_to_delete_and_a_run_that_goes_on_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    announced(Capabilities(*[False] * 7), resumed=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2].startswith("Deletes: the server compares no ETags, so each object is looked at just before")
    assert lines[-1] == "This goes on with the run of this plan that was stopped."


@pytest.mark.parametrize("honoured", [True, False])
def test_what_an_undo_that_has_to_upload_loses_is_said(
    capsys: pytest.CaptureFixture[str],
    honoured: bool,  # noqa: FBT001 - a parameter of tests
) -> None:
    announced(replace(Capabilities(*[True] * 7), copy_absent=honoured), mode="copy")
    assert ("undo uploads through this machine, without annotations" in capsys.readouterr().err) is not honoured


def test_a_server_that_ignores_all_conditions_is_refused_before_the_question() -> None:
    with pytest.raises(NoWayBack, match="ignores conditions on deletes"):
        announced(Capabilities(*[False] * 7), versioning="Suspended")
