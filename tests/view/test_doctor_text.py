from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.view.doctor_text import finding_lines, verdict_line
from labelplan.view.style import Style

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

FINDINGS = [
    {"check": "spec", "state": "ok", "detail": "valid: 2 label rules", "todo": ""},
    {"check": "versioning", "state": "warning", "detail": "Suspended: apply would refuse", "todo": "Turn it on."},
    {"check": "listing", "state": "failed", "detail": "labels.a: nothing\nlabels.b: nothing", "todo": "One.\nTwo."},
]


def test_the_table_reads_like_this(snapshot: SnapshotAssertion) -> None:
    lines = [line for finding in FINDINGS for line in finding_lines(finding, Style(colour=False))]
    assert "\n".join([*lines, verdict_line(FINDINGS, "deer.yaml")]) == snapshot


def test_colour_does_not_move_the_columns() -> None:
    plain = next(finding_lines(FINDINGS[0], Style(colour=False)))
    painted = next(finding_lines(FINDINGS[0], Style(colour=True)))
    assert painted.replace("\x1b[32m", "").replace("\x1b[0m", "") == plain != painted


def test_a_key_in_a_detail_cannot_write_to_the_terminal() -> None:
    weird = {"check": "reading", "state": "ok", "detail": "a\x1b[2Jb.jpg", "todo": "\x1b[2J"}
    assert "\x1b" not in "\n".join(finding_lines(weird, Style(colour=False)))


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ("ok ok", "A plan would work: 0 warnings. What it would cost: labelplan plan s.yaml --estimate"),
        ("ok warning", "A plan would work: 1 warning. What it would cost: labelplan plan s.yaml --estimate"),
        ("failed warning failed warning", "A plan would not work yet: 2 failed, 2 warnings."),
        ("failed", "A plan would not work yet: 1 failed, 0 warnings."),
    ],
)
def test_the_verdict_says_what_it_comes_to(states: str, said: str) -> None:
    assert verdict_line([{"state": state, "check": "spec"} for state in states.split()], "s.yaml") == said


def test_the_verdict_tells_what_matters_to_an_apply_only() -> None:
    checks = [
        {"state": "warning", "check": "quota"},
        {"state": "warning", "check": "lifecycle"},
        {"state": "warning", "check": "lock"},
        {"state": "ok", "check": "versioning"},
    ]
    assert verdict_line(checks, "s.yaml").startswith("A plan would work: 3 warnings (2 about apply). What")
    assert verdict_line(checks[1:], "s.yaml").startswith("A plan would work: 2 warnings (about apply). What")
