from __future__ import annotations

from typing import Any

import pytest

from labelplan.model.spec import Backup
from labelplan.rules.purging import ANOTHER, COVERED
from labelplan.view.purge_text import kept_lines, purge_lines
from tests.view.test_record_text import NAME, summary

BEGAN = f"The run wild/{NAME} (complete) began 2026-11-22 14:05 UTC."
NOTHING = "Nothing brings them back, neither labelplan undo nor anything else."
COPIES = Backup("copy", "b", "p/")


def lines(run: dict[str, Any], **doomed: Any) -> list[str]:
    return list(purge_lines(run, {"objects": 13, "size": 2**21, "kept": {}, "versions_stay": False} | doomed))


def test_it_says_which_versions_go_and_that_nothing_brings_them_back() -> None:
    assert lines(summary()) == [
        BEGAN,
        "13 old versions that it deleted, 2.0 MB, would be gone for good.",
        NOTHING,
    ]


@pytest.mark.parametrize(
    ("backup", "place"),
    [(COPIES, f"s3://b/p/runs/{NAME}/objects/"), (Backup("copy"), f"s3://wild/.labelplan/backup/runs/{NAME}/objects/")],
)
def test_it_says_where_the_copies_are_that_go(backup: Backup, place: str) -> None:
    assert lines(summary(backup=backup), size=2**31) == [
        BEGAN,
        f"13 copies, 2.0 GB, would be gone for good: all under {place}",
        NOTHING,
    ]


def test_it_does_not_say_that_all_is_gone_where_old_versions_stay() -> None:
    told = lines(summary(backup=COPIES), versions_stay=True)
    assert NOTHING not in told
    assert told[2:] == [
        "labelplan undo brings nothing back then.",
        "But s3://wild has versioning: the old versions of what it deleted stay there, and whoever may read them can.",
    ]


def test_it_says_how_much_of_what_the_run_deleted_stays_and_why() -> None:
    assert lines(summary(), kept={COVERED: 1200, ANOTHER: 1})[3:] == [
        "1,200 more stay, and can be read by their version ids: a newer object lies on it.",
        "1 more stay, and can be read by their version ids: a delete marker that the run did not record lies on it.",
    ]


def test_it_says_that_a_run_that_has_not_ended_is_ended() -> None:
    told = lines(summary("running", applied=None, at_work="apply"))
    assert told[1] == "It has not ended: this ends it, and takes also what it deletes until then."


def test_after_a_purge_it_says_how_to_destroy_what_was_kept() -> None:
    assert list(kept_lines("wild", 0)) == []
    assert list(kept_lines("wild", 2))[-1] == "  aws s3api delete-object --bucket wild --key … --version-id …"
