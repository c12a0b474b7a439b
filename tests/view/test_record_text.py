from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import to_builtins

from labelplan.model.objects import Target
from labelplan.model.run import ApplyResult, Capabilities, RunEnd, RunStart, UndoResult
from labelplan.model.spec import Backup
from labelplan.view.record_text import runs_lines, story_lines, when
from labelplan.view.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syrupy.assertion import SnapshotAssertion

PLAIN = Style(colour=False)
NAME = "20261122T1405Z-3f9a"
VERSIONS = Backup()
BEGAN = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC)
END = dt.datetime(2026, 11, 22, 14, 9, tzinfo=dt.UTC)
UNTIL = dt.datetime(2026, 12, 22, tzinfo=dt.UTC)
SOME = Capabilities(
    bulk_delete=False,
    single_delete=True,
    copy_source=False,
    copy_absent=False,
    put_absent=True,
    put_match=True,
    tags=True,
)


def summary(state: str = "complete", *, backup: Backup = VERSIONS, until: Any = UNTIL, **more: Any) -> dict[str, Any]:
    start = RunStart(
        "labelplan/run/1",
        NAME,
        "5" * 64,
        "6" * 64,
        Target("http://127.0.0.1:9", "123456789012", "us-east-1", "wild", "Enabled"),
        BEGAN,
        "SHA256:alice",
        backup,
        SOME,
        "single",
        1000,
        until,
    )
    ends = {"applied": RunEnd(NAME, END, {"deleted": 13, "changed": 1}), "undone": None, "purged": None}
    told: dict[str, Any] = to_builtins(
        {"run": NAME, "state": state, "start": start, "at_work": "", "message": "", **ends, **more}
    )
    return told


def story(run: dict[str, Any], others: Iterable[Any] = (), undo: Iterable[Any] = ()) -> dict[str, Any]:
    counts = {"deleted": 13, "changed": 1}
    told: dict[str, Any] = to_builtins(
        {
            "summary": run,
            "counts": counts,
            "others": list(others),
            "undo_counts": {"restored": 12, "left": 1} if undo else {},
            "undo_others": list(undo),
        }
    )
    return told


def text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


UNREADABLE = {"run": "20261122T1405Z-bad0", "state": "unreadable", "start": None, "message": "no\x1b[2K JSON"}


def test_a_bucket_s_runs_are_a_line_each(snapshot: SnapshotAssertion) -> None:
    runs = [
        summary(),
        summary("running", applied=None, at_work="apply", until=None),
        summary("incomplete", applied=None),
        summary("undone in part", at_work="undo"),
        summary("undone", undone=RunEnd(NAME, END, {"restored": 12, "left": 1})),
        summary("purged", purged=RunEnd(NAME, END, {"erased": 13})),
        UNREADABLE,
    ]
    assert text(runs_lines("wild", runs, PLAIN)) == snapshot


def test_an_undo_that_restored_nothing_is_told_as_that() -> None:
    (line,) = runs_lines("wild", [summary("undone", undone=RunEnd(NAME, END, {}))], PLAIN)
    assert line.endswith(", 13 deleted, 1 kept because they have changed, 0 restored")


def test_a_bucket_without_runs_says_so() -> None:
    assert list(runs_lines("wild", [], PLAIN)) == ["s3://wild has no runs."]


def test_a_run_says_what_it_is_and_what_became_of_each_object(snapshot: SnapshotAssertion) -> None:
    other = ApplyResult("deer/1\x1b.jpg", "v", "changed", message="another version has been stored")
    left = UndoResult("deer/2.jpg", "v", "left", "another object was stored under this key")
    assert text(story_lines("wild", story(summary("undone in part"), [other], [left]), PLAIN)) == snapshot


def test_a_run_with_copies_says_where_they_are() -> None:
    backup = Backup("copy", "wild-backup", "labelplan/")
    told = text(story_lines("wild", story(summary(backup=backup, until=None)), PLAIN))
    place = f"s3://wild-backup/labelplan/runs/{NAME}/objects/"
    assert f"  way back  copies under {place}; when the run began, nothing ended it\n" in told
    own = text(story_lines("wild", story(summary(backup=Backup("copy"))), PLAIN))
    assert f"copies under s3://wild/.labelplan/backup/runs/{NAME}/objects/, until 2026-12-22 00:00 UTC" in own


def test_a_run_that_cannot_be_undone_any_more_names_no_undo() -> None:
    assert f"Undo with: labelplan undo wild/{NAME}" in text(story_lines("wild", story(summary()), PLAIN))
    for run in (
        summary("undone", undone=RunEnd(NAME, END, {"restored": 13})),
        summary("purged", purged=RunEnd(NAME, END, {"erased": 13})),
    ):
        assert "Undo with" not in text(story_lines("wild", story(run), PLAIN))


def test_a_purged_run_has_no_way_back_and_says_how_much_went() -> None:
    run = summary("purged", purged=RunEnd(NAME, END, {"erased": 13}))
    told = text(story_lines("wild", story(run), PLAIN))
    assert "  way back  none any more: it was ended on purpose\n" in told
    assert "Purge: 13 erased for good\n" in told


def test_what_is_not_named_is_counted() -> None:
    told = story(summary(), [ApplyResult("a.jpg", "v", "changed", message="m")]) | {"counts": {"changed": 5, "gone": 2}}
    assert "  … and 6 more (all of them: --json)\n" in text(story_lines("wild", told, PLAIN))


def test_a_run_that_has_deleted_nothing_yet_says_so() -> None:
    told = story(summary("incomplete", applied=None)) | {"counts": {}}
    assert "Apply: nothing yet\n" in text(story_lines("wild", told, PLAIN))


def test_a_server_that_honours_all_or_nothing_is_told_in_a_line() -> None:
    run = summary()
    run["start"]["capabilities"] = dict.fromkeys(run["start"]["capabilities"], True)
    assert "ignores" not in text(story_lines("wild", story(run), PLAIN))
    run["start"]["capabilities"] = dict.fromkeys(run["start"]["capabilities"], False)
    assert "  server    honours no condition\n" in text(story_lines("wild", story(run), PLAIN))


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-22T14:05:00+01:00", "2026-11-22 13:05 UTC"),
        ("never\x1b", '"never\\u001b"'),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00"),
    ],
)
def test_a_time_is_shown_as_utc_and_what_is_none_as_it_stands(told: str, shown: str) -> None:
    assert when(told) == shown
