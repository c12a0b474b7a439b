from __future__ import annotations

import datetime as dt

from labelplan.model.run import RunEnd
from labelplan.view.undo_text import open_lines, undo_lines
from tests.view.test_record_text import END, NAME, summary

BEGAN = f"The run wild/{NAME} (complete) began 2026-11-22 14:05 UTC. "


def test_it_says_how_much_the_run_deleted_and_when() -> None:
    assert list(undo_lines(summary(), [], [])) == [
        BEGAN + "It deleted 13 objects, and was done at 2026-11-22 14:09 UTC.",
        "This brings back whatever of it is still deleted; nothing newer is touched.",
    ]
    one = summary(applied=RunEnd(NAME, END, {"deleted": 1}))
    assert "It deleted 1 object, and" in next(undo_lines(one, [], []))
    assert "It deleted 0 objects, and" in next(undo_lines(summary(applied=RunEnd(NAME, END, {})), [], []))


def test_it_says_that_a_run_has_not_ended() -> None:
    assert next(undo_lines(summary("incomplete", applied=None), [], [])).endswith(
        "It has not ended; how much it deleted is looked up object by object."
    )


def test_it_says_what_was_undone_or_purged_already() -> None:
    later = END + dt.timedelta(hours=1)
    run = summary("purged", undone=RunEnd(NAME, END, {"restored": 1200}), purged=RunEnd(NAME, later, {"erased": 1}))
    assert list(undo_lines(run, [], []))[1:3] == [
        "It was undone on 2026-11-22 14:09 UTC: 1,200 restored.",
        "Its way back was ended on purpose on 2026-11-22 15:09 UTC: what went then does not come back.",
    ]


def test_it_says_which_part_is_brought_back() -> None:
    *_, part = undo_lines(summary(), ["a", "b"], ["deer", "elk\x1b"])
    assert part == (
        "This brings back 2 objects of it and all that the label rule deer deleted and all that the label rule "
        '"elk\\u001b" deleted; nothing newer is touched.'
    )


def test_it_says_that_a_delete_may_still_come() -> None:
    assert list(open_lines(0)) == []
    assert list(open_lines(1)) == [
        "The run was stopped while it deleted 1 object of those that are there now.",
        "A request of it may still be on its way: the same undo, given again in 15 minutes, looks once more.",
    ]
