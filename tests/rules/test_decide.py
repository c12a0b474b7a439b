from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.model.response import Unreadable
from labelplan.model.spec import Pin
from labelplan.rules.decide import EMPTY, Verdict, glob
from labelplan.specfile.load import load_spec
from tests.rules.making import answered, graded, item, judge, label, plain, response, rule

DEER = plain(Deer=99, Animal=98)


def test_an_object_with_an_accepted_label_is_kept_with_the_evidence_surest_first() -> None:
    verdict = judge(rule(), DEER).with_answer(answered(plain(Animal=97, Deer=90, Tree=99)))
    assert verdict == Verdict("keep", "evidence", ("Animal", "Deer"))


def test_a_confidence_equal_to_the_threshold_is_not_above_it() -> None:
    one = judge(rule(), DEER)
    assert one.with_answer(answered(plain(Deer=85))) == Verdict("delete", "no-evidence")
    assert one.with_answer(answered(plain(Deer=85.00001))).action == "keep"


def test_an_object_without_an_accepted_label_is_deleted() -> None:
    assert judge(rule(), DEER).with_answer(answered(plain(Car=99))) == Verdict("delete", "no-evidence")


def test_an_answer_without_any_label_is_an_answer_and_deletes() -> None:
    assert judge(rule(), DEER).with_answer(answered(response())) == Verdict("delete", "no-evidence")


def test_an_excluded_label_deletes_whatever_the_evidence() -> None:
    one = judge(rule(exclude=graded("Person")), DEER)
    assert one.with_answer(answered(plain(Deer=99, Person=86))) == Verdict("delete", "excluded", ("Person",))


def test_an_excluded_label_at_its_own_threshold_does_not_delete() -> None:
    one = judge(rule(exclude=graded("Person", above=95)), DEER)
    assert one.with_answer(answered(plain(Deer=99, Person=95))).reason == "evidence"


def test_only_the_objects_own_excluded_labels_count_not_the_references() -> None:
    one = judge(rule(exclude=graded("Person")), plain(Deer=99, Person=99))
    assert one.with_answer(answered(plain(Deer=99))).reason == "evidence"
    assert one.with_answer(answered(plain(Person=99, Deer=99))).reason == "excluded"


def test_an_alias_in_the_spec_finds_the_label_that_bears_it() -> None:
    one = judge(rule(exclude=graded("Human"), accept=graded("Automobile")), DEER)
    assert one.with_answer(answered(response(label("Person", 99, aliases=["Human"])))).labels == ("Person",)
    assert one.with_answer(answered(response(label("Car", 99, aliases=["Automobile"])))).labels == ("Car",)


def test_an_alias_of_another_answer_proves_nothing() -> None:
    one = judge(rule(), response(label("Car", 99, aliases=["Automobile"])))
    assert one.with_answer(answered(response(label("Automobile", 99)))).action == "delete"


def test_an_unreadable_object_is_kept() -> None:
    assert judge(rule(), DEER).with_answer(Unreadable("x", "y")) == Verdict("keep", "unreadable")
    assert judge(rule(), DEER).with_answer(EMPTY) == Verdict("keep", "unreadable")


def test_an_answer_cut_while_still_above_the_threshold_keeps() -> None:
    one = judge(rule(), DEER, max_labels=2)
    assert one.with_answer(answered(plain(Car=99, Road=86))) == Verdict("keep", "truncated")
    assert one.with_answer(answered(plain(Car=99, Road=85))) == Verdict("delete", "no-evidence")
    assert one.with_answer(answered(plain(Car=99, Deer=86))).reason == "evidence"


def test_a_cut_answer_is_measured_by_the_lowest_threshold_that_evidence_has() -> None:
    one = judge(rule(accept=graded("Elk", above=60)), DEER, max_labels=2)
    assert one.with_answer(answered(plain(Car=99, Road=70))).reason == "truncated"


def test_a_cut_answer_without_any_evidence_defined_is_measured_by_the_rules_threshold() -> None:
    one = judge(rule(), max_labels=1)
    assert one.with_answer(answered(plain(Car=86))).reason == "truncated"
    assert one.with_answer(answered(plain(Car=85))).reason == "no-evidence"


@pytest.mark.parametrize(
    ("changes", "protect", "verdict"),
    [
        ({"delete": (Pin("deer/1.jpg", "e1"),)}, ["deer/**"], Verdict("keep", "protected")),
        ({"keep": ("deer/1.jpg",), "references": ("deer/1.jpg",)}, [], Verdict("keep", "pinned")),
        ({"delete": (Pin("deer/1.jpg", "e1"),), "references": ("deer/1.jpg",)}, [], Verdict("delete", "pinned")),
        ({"references": ("deer/1.jpg",)}, [], Verdict("keep", "reference")),
        ({"delete": (Pin("deer/1.jpg", "another"),)}, [], None),
        ({}, ["deer/2*"], None),
    ],
    ids=["protected>pinned", "keep pin>reference", "delete pin>reference", "reference", "pin of other content", "none"],
)
def test_what_needs_no_answer_follows_the_precedence(
    changes: dict[str, object], protect: list[str], verdict: Verdict | None
) -> None:
    assert judge(rule(**changes), DEER, protect=protect).without_answer(item()) == verdict


def test_a_reference_of_another_rule_is_kept_as_well() -> None:
    assert judge(rule(), DEER, others=["deer/1.jpg"]).without_answer(item()) == Verdict("keep", "reference")


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("images/*/holdout/**", "images/deer/holdout/a/b.jpg", True),
        ("images/*/holdout/**", "images/deer/x/holdout/b.jpg", False),
        ("images/**", "images/a/b", True),
        ("images/*", "images/a/b", False),
        ("a?.jpg", "ab.jpg", True),
        ("a?.jpg", "a/.jpg", False),
        ("a.jpg", "abjpg", False),
        ("[x].jpg", "[x].jpg", True),
        ("**", "line\nfeed", True),
    ],
)
def test_patterns_stay_in_a_folder_unless_doubled(*, pattern: str, key: str, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(key)) is matches


def simple_glob(pattern: str) -> re.Pattern[str]:
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(p) or re.escape(p) for p in re.split(r"(\*\*|\*|\?)", pattern)), re.DOTALL)


@given(st.text("ab/*?", max_size=9), st.text("ab/", max_size=9))
def test_patterns_match_what_the_obvious_translation_matches(pattern: str, key: str) -> None:
    assert bool(glob(pattern).fullmatch(key)) == bool(simple_glob(pattern).fullmatch(key))


def test_no_pattern_is_slow() -> None:
    """The obvious translation would not come back from this."""
    assert not glob("**a" * 40 + "zz").fullmatch("a" * 1024)
    assert not glob("*a" * 40 + "zz").fullmatch("a" * 1024)


CLASSIC = load_spec(Path(__file__).parent.parent.parent / "examples" / "classic.yaml").spec.rules[0]
CONFIDENCES = st.dictionaries(
    st.sampled_from(["Deer", "Animal", "Outdoors", "Car", "Tree", "Person"]),
    st.floats(0, 100) | st.sampled_from([84.99999, 85, 85.00001]),
    max_size=6,
)


@given(CONFIDENCES, st.lists(CONFIDENCES, min_size=3, max_size=3))
def test_decisions_are_those_of_the_classic_rule(shown: dict[str, float], references: list[dict[str, float]]) -> None:
    """A straight transcription of the classic rule, its one mistake mended: the object's own Person counts."""
    accepted = {name for reference in references for name, c in reference.items() if c > 85} - {"Person"}
    mine = {name for name, c in shown.items() if c > 85}
    classic_deletes = not mine & accepted or "Person" in mine

    verdict = judge(CLASSIC, *(plain(**r) for r in references)).with_answer(answered(plain(**shown)))
    assert (verdict.action == "delete") == classic_deletes
