from __future__ import annotations

from labelplan.model.run import ApplyResult, UndoResult
from labelplan.view.record_text import PURGE_WORDS
from labelplan.view.run_text import APPLY_WORDS, UNDO_WORDS, outcome_lines
from labelplan.view.style import Style

PLAIN = Style(colour=False)


def test_an_apply_that_did_all_of_it_says_so_in_a_line() -> None:
    assert list(outcome_lines("Apply", {"deleted": 1234}, APPLY_WORDS, (), PLAIN)) == ["Apply complete: 1,234 deleted."]


def test_an_apply_with_nothing_to_do_says_that_nothing_was_deleted() -> None:
    assert list(outcome_lines("Apply", {}, APPLY_WORDS, (), PLAIN)) == ["Apply complete: 0 deleted."]


def test_what_was_not_deleted_is_named_and_what_is_not_named_is_counted() -> None:
    others = [
        ApplyResult("a\n.jpg", "v", "changed", message="another version"),
        ApplyResult("b", "v", "failed", message="503"),
    ]
    counts = {"deleted": 5, "changed": 3, "gone": 1, "failed": 2}
    assert list(outcome_lines("Apply", counts, APPLY_WORDS, others, PLAIN)) == [
        '  changed  "a\\n.jpg": another version',
        "  failed  b: 503",
        "  … and 4 more, all in the run's record",
        "Apply incomplete: 5 deleted, 3 kept because they have changed, 1 gone already, 2 failed.",
    ]


def test_an_undo_tells_what_it_left_alone() -> None:
    others = [UndoResult("a.jpg", "v", "left", "a newer version is there")]
    assert list(outcome_lines("Undo", {"restored": 2, "present": 1, "left": 1}, UNDO_WORDS, others, PLAIN)) == [
        "  left  a.jpg: a newer version is there",
        "Undo complete: 2 restored, 1 there already, 1 left as they are.",
    ]


def test_a_purge_is_complete_only_if_it_kept_nothing() -> None:
    assert list(outcome_lines("Purge", {"erased": 2}, PURGE_WORDS, (), PLAIN)) == ["Purge complete: 2 erased for good."]
    *_, last = outcome_lines("Purge", {"erased": 2, "kept": 1}, PURGE_WORDS, (), PLAIN)
    assert last == "Purge incomplete: 2 erased for good, 1 kept."
