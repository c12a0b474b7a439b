from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.model.spec import Guards
from labelplan.rules.guards import breaches

if TYPE_CHECKING:
    from labelplan.model.plan import Action, Reason


def check(guards: Guards | None = None, /, **counts: int) -> list[tuple[str, str]]:
    named: dict[str, tuple[Action, Reason]] = {
        "gone": ("delete", "no-evidence"),
        "excluded": ("delete", "excluded"),
        "pinned": ("delete", "pinned"),
        "evidence": ("keep", "evidence"),
        "reference": ("keep", "reference"),
        "unreadable": ("keep", "unreadable"),
        "protected": ("keep", "protected"),
    }
    given = {named[name]: count for name, count in counts.items()}
    return [(breach.code, breach.write) for breach in breaches("deer", guards or Guards(), given)]


def test_thirty_percent_is_allowed_and_one_more_is_not() -> None:
    assert check(gone=3, evidence=7) == []
    assert check(gone=31, evidence=69) == [("guard-percent", "guards: {max_delete_percent: 32}")]


@pytest.mark.parametrize("reason", ["gone", "excluded", "pinned"])
def test_deletes_of_every_reason_count(reason: str) -> None:
    assert check(**{reason: 5}, evidence=5) != []


def test_unreadable_and_protected_objects_do_not_dilute_the_percentage() -> None:
    assert check(gone=6, evidence=6, unreadable=1000, protected=1000) != []


def test_a_small_rule_is_not_measured_by_percentage() -> None:
    assert check(gone=8, evidence=1) == []


def test_a_rule_with_few_judged_objects_counts_its_references_too() -> None:
    assert check(gone=4, evidence=5, reference=3) != []
    assert check(gone=3, evidence=5, reference=3) == []


def test_a_rule_with_few_judged_objects_is_not_diluted_either() -> None:
    assert check(gone=8, evidence=1, unreadable=91) != []
    assert check(gone=8, evidence=1, protected=1) != []


def test_from_ten_judged_objects_on_only_they_count() -> None:
    assert check(gone=4, evidence=6, reference=5) == [("guard-percent", "guards: {max_delete_percent: 41}")]


def test_deleting_without_keeping_one_by_evidence_is_refused() -> None:
    assert check(gone=1, reference=3) == [("guard-keep", "guards: {min_keep: 0}")]
    assert check(Guards(min_keep=0), gone=1, reference=3) == []


def test_the_count_has_its_own_guard() -> None:
    assert check(Guards(max_delete_count=2), gone=3, evidence=97) == [("guard-count", "guards: {max_delete_count: 3}")]


def test_nothing_to_delete_is_always_safe() -> None:
    assert check(reference=3, unreadable=50) == []


def test_the_line_to_write_is_enough_to_pass() -> None:
    assert check(Guards(max_delete_percent=62), gone=61, evidence=39) == []
    assert check(Guards(max_delete_percent=100, min_keep=0), gone=61) == []


def test_a_breach_says_counts_and_percent() -> None:
    (breach,) = breaches("deer", Guards(), {("delete", "no-evidence"): 40, ("keep", "evidence"): 60})
    assert breach.message == "deer: would delete 40 of 100 judged objects (40.0 %), more than the guard's 30 %"
