from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from labelplan.cli.apply import _announce
from labelplan.model.objects import Target
from labelplan.model.plan import Totals

if TYPE_CHECKING:
    import pytest


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
