from __future__ import annotations

import pytest

from labelplan.errors import UsageError
from labelplan.flow.scope import EVERYTHING, Scope
from tests.flow.making import source

SPEC = source(
    labels={
        "deer": {"prefix": "deer/", "accept": ["Deer"]},
        "elk": {"prefix": "elk/", "accept": ["Elk"]},
        "moose": {"prefix": "moose/", "accept": ["Moose"]},
    }
).spec


def test_everything_is_not_partial_and_has_all_rules() -> None:
    assert EVERYTHING.partial == ""
    assert EVERYTHING.chosen(SPEC) == list(SPEC.rules)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(("deer",)), "rule deer"),
        (Scope(("deer", "elk")), "2 of the label rules"),
        (Scope(sample=20), "a sample of 20 objects of each prefix"),
        (Scope(("elk",), 5), "rule elk, a sample of 5 objects of each prefix"),
    ],
)
def test_a_part_says_what_it_is_restricted_to(scope: Scope, words: str) -> None:
    assert scope.partial == words


def test_the_chosen_rules_stand_in_the_specs_order() -> None:
    assert [rule.name for rule in Scope(("moose", "deer")).chosen(SPEC)] == ["deer", "moose"]


def test_a_rule_that_is_not_there_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="no label rule 'mose'; did you mean 'moose'"):
        Scope(("deer", "mose")).chosen(SPEC)
    with pytest.raises(UsageError, match="no label rule 'fish'; it has: deer, elk, moose"):
        Scope(("fish",)).chosen(SPEC)
