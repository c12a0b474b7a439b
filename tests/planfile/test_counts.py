from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.model.plan import Totals
from labelplan.planfile.counts import Counts
from tests.planfile.making import decision, header, summary, three


def test_totals_and_rules_are_counted() -> None:
    counts = Counts()
    counts.add(three())
    assert counts.totals() == Totals(decisions=3, keep=2, delete=1, unreadable=1, delete_bytes=1234)
    assert counts.by_rule() == {
        "deer": {("delete", "no-evidence"): 1, ("keep", "reference"): 1, ("keep", "unreadable"): 1}
    }
    counts.check(header(), summary(three()))


@given(st.lists(st.text(min_size=1), min_size=2, unique=True))
def test_keys_must_be_in_the_order_of_their_utf8_bytes(keys: list[str]) -> None:
    by_bytes = sorted(keys, key=lambda key: key.encode("utf-8", "surrogatepass"))
    Counts().add([decision(key) for key in by_bytes])
    with pytest.raises(ValueError, match="does not come after"):
        Counts().add([decision(key) for key in reversed(by_bytes)])


def test_a_key_that_comes_twice_is_refused_across_calls_too() -> None:
    counts = Counts()
    counts.add([decision("a")])
    with pytest.raises(ValueError, match="'a' does not come after 'a'"):
        counts.add([decision("a")])


def test_a_reason_that_cannot_give_this_action_is_refused() -> None:
    wrong = [decision("a", action="delete", reason="unreadable")]
    counts = Counts()
    counts.add(wrong)
    with pytest.raises(ValueError, match="no rule can decide: delete unreadable"):
        counts.check(header(), summary(wrong))


def test_the_decisions_of_a_rule_must_stand_together_across_calls_too() -> None:
    counts = Counts()
    counts.add([decision("a", rule="cow"), decision("b")])
    counts.add([decision("c")])
    with pytest.raises(ValueError, match="of the rule 'cow' do not stand together"):
        counts.add([decision("d", rule="cow")])


def test_rules_must_come_in_the_order_of_the_header() -> None:
    swapped = [decision("a", rule="deer"), decision("b", rule="cow")]
    counts = Counts()
    counts.add(swapped)
    with pytest.raises(ValueError, match="not in the header's order"):
        counts.check(header(), summary(swapped))


def test_a_rule_that_the_header_does_not_have_is_refused() -> None:
    counts = Counts()
    counts.add([decision("a", rule="goat")])
    with pytest.raises(ValueError, match="not in the header"):
        counts.check(header(), summary([]))


@pytest.mark.parametrize("rules", [("deer", "cow"), ("cow",), ("cow", "deer", "goat")])
def test_header_and_summary_must_have_the_same_rules(rules: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="differ in their rules"):
        Counts().check(header(), summary([], rules))


def test_a_summary_with_other_counts_is_refused() -> None:
    counts = Counts()
    counts.add(three())
    with pytest.raises(ValueError, match="counts of 'deer'"):
        counts.check(header(), summary(three()[:2]))


def test_a_header_that_names_a_rule_twice_is_refused() -> None:
    twice = header(rules=header().rules * 2)
    with pytest.raises(ValueError, match="differ in their rules"):
        Counts().check(twice, summary([], [rule.name for rule in twice.rules]))
