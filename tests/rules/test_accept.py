from __future__ import annotations

from labelplan.model.response import by_name
from labelplan.rules.accept import accepted_labels
from tests.rules.making import graded, label, plain, response, rule


def names(one: object) -> list[str]:
    return [accepted.label for accepted in one]  # type: ignore[attr-defined]  # a tuple of AcceptedLabel


def test_every_label_of_a_reference_strictly_above_the_threshold_is_accepted() -> None:
    accepted = accepted_labels(rule(), [("r1", plain(Deer=99, Animal=85.001, Outdoors=85, Grass=60))])
    assert names(accepted) == ["Deer", "Animal"]


def test_an_accepted_label_says_which_references_gave_it_and_how_surely() -> None:
    accepted = accepted_labels(rule(), [("r1", plain(Deer=99)), ("r2", plain(Elk=90)), ("r3", plain(Deer=95))])
    deer = next(one for one in accepted if one.label == "Deer")
    assert (deer.references, deer.confidence, deer.threshold) == (("r1", "r3"), (99, 95), 85)


def test_an_ignored_label_proves_nothing() -> None:
    accepted = accepted_labels(rule(ignore=graded("Animal", above=100)), [("r1", plain(Deer=99, Animal=100))])
    assert names(accepted) == ["Deer"]


def test_a_label_ignored_up_to_a_threshold_counts_above_it_and_objects_must_exceed_it_too() -> None:
    ignore = graded("Animal", above=95)
    assert names(accepted_labels(rule(ignore=ignore), [("r1", plain(Deer=99, Animal=95))])) == ["Deer"]
    animal = accepted_labels(rule(ignore=ignore), [("r1", plain(Deer=99, Animal=96))])[1]
    assert (animal.label, animal.threshold) == ("Animal", 95)


def test_an_ignored_alias_ignores_the_label_that_bears_it() -> None:
    car = response(label("Car", 99, aliases=["Automobile"]), label("Wheel", 90))
    assert names(accepted_labels(rule(ignore=graded("Automobile", above=100)), [("r1", car)])) == ["Wheel"]


def test_an_excluded_label_is_never_an_accepted_one() -> None:
    shows = response(label("Deer", 99), label("Person", 98, aliases=["Human"]))
    assert names(accepted_labels(rule(exclude=graded("Person")), [("r1", shows)])) == ["Deer"]
    assert names(accepted_labels(rule(exclude=graded("Human")), [("r1", shows)])) == ["Deer"]
    assert names(accepted_labels(rule(exclude=graded("Person", above=99)), [("r1", shows)])) == ["Deer"]


def test_labels_of_accept_are_evidence_besides_with_their_own_threshold() -> None:
    accepted = accepted_labels(rule(accept=graded("Elk", above=70)), [("r1", plain(Deer=99))])
    assert [(one.label, one.threshold, one.references) for one in accepted] == [("Deer", 85, ("r1",)), ("Elk", 70, ())]


def test_accept_sets_the_threshold_of_a_label_that_a_reference_gives_too() -> None:
    (deer,) = accepted_labels(rule(accept=graded("Deer", above=60)), [("r1", plain(Deer=99))])
    assert (deer.threshold, deer.references) == (60, ("r1",))


def test_specific_evidence_drops_the_parents_of_labels_above_the_threshold() -> None:
    shows = response(label("Deer", 99, parents=["Animal", "Mammal"]), label("Mammal", 99, parents=["Animal"]),
                     label("Animal", 99), label("Grass", 90))  # fmt: skip
    assert names(accepted_labels(rule(evidence="specific"), [("r1", shows)])) == ["Deer", "Grass"]
    assert names(accepted_labels(rule(evidence="any"), [("r1", shows)])) == ["Animal", "Deer", "Mammal", "Grass"]


def test_specific_evidence_keeps_the_parent_of_a_label_that_is_itself_too_weak() -> None:
    shows = response(label("Animal", 99), label("Deer", 80, parents=["Animal"]))
    assert names(accepted_labels(rule(evidence="specific"), [("r1", shows)])) == ["Animal"]


def test_a_parent_in_one_reference_may_be_evidence_from_another() -> None:
    one = response(label("Deer", 99, parents=["Animal"]), label("Animal", 99))
    other = response(label("Animal", 97))
    assert "Animal" in names(accepted_labels(rule(evidence="specific"), [("r1", one), ("r2", other)]))


def test_without_a_strong_label_nothing_is_accepted() -> None:
    assert accepted_labels(rule(), [("r1", plain(Deer=85))]) == ()


def test_a_primary_name_wins_over_another_labels_alias() -> None:
    named = by_name([label("Crane", 90), label("Crane Truck", 95, aliases=["Crane", "Lift"])])
    assert named["Crane"].Confidence == 90
    assert named["Lift"].Name == "Crane Truck"


def test_of_labels_with_one_name_or_one_alias_the_surest_counts() -> None:
    named = by_name(
        [label("Deer", 60), label("Deer", 99), label("Elk", 60, aliases=["Hart"]), label("Stag", 90, aliases=["Hart"])]
    )
    assert (named["Deer"].Confidence, named["Hart"].Name) == (99, "Stag")
