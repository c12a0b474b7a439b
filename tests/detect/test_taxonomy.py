from __future__ import annotations

from random import Random  # noqa: TC003 - hypothesis reads the annotation

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy", reason="needs labelplan[local]")

TREE = pytest.importorskip("labelplan.detect.taxonomy", reason="needs labelplan[local]").load_taxonomy()
BY_NAME = {label.name: index for index, label in enumerate(TREE.labels)}


def certain(name: str) -> dict[str, float]:
    """Return all labels above nothing when the classifier is certain of the one class of that name."""
    probabilities = np.zeros(1000, np.float32)
    probabilities[TREE.labels[BY_NAME[name]].classes[0]] = 1
    return {TREE.labels[index].name: percent for index, percent in enumerate(TREE.percents(probabilities)) if percent}


def test_each_of_the_1000_classes_has_one_label_and_each_label_one_name() -> None:
    assert sorted(one for label in TREE.labels for one in label.classes) == list(range(1000))
    assert len(BY_NAME) == len(TREE.labels)


def test_an_ancestors_ancestors_are_ancestors_and_nobody_is_his_own() -> None:
    for index, label in enumerate(TREE.labels):
        assert index not in label.ancestors
        for ancestor in label.ancestors:
            assert set(TREE.labels[ancestor].ancestors) <= set(label.ancestors)


def test_an_alias_names_one_label_and_is_nobodys_name() -> None:
    aliases = [alias for label in TREE.labels for alias in label.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(BY_NAME)


def test_a_certain_class_makes_its_label_and_all_its_ancestors_certain_and_nothing_else() -> None:
    bison = {"Bison", "Bovid", "Ruminant", "Even-toed Hoofed Animal", "Hoofed Animal", "Mammal", "Animal"}
    assert certain("Bison") == dict.fromkeys(bison, 100.0)


def test_words_with_two_meanings_are_two_labels() -> None:
    assert "Animal" in certain("Kite")
    assert "Container Vessel" in certain("Coffee Mug")
    assert "Watercraft" in certain("Kayak")
    assert "Storage Tank" not in certain("Tank")


def test_a_label_says_its_parents_aliases_and_category_in_json() -> None:
    described = TREE.described(BY_NAME["Screwdriver"])
    assert bytes(described["Categories"]) == b'[{"Name":"Tools and Machinery"}]'
    assert bytes(described["Parents"]) == b'[{"Name":"Hand Tool"},{"Name":"Tool"}]'
    assert bytes(TREE.described(BY_NAME["Goose"])["Aliases"]) == b"[]"


def test_parents_are_named_in_alphabetical_order_as_rekognition_does() -> None:
    for label in TREE.labels:
        found = [TREE.labels[ancestor].name for ancestor in label.ancestors]
        assert found == sorted(found)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_an_ancestor_is_never_less_confident_than_its_child(weights: list[float], dice: Random) -> None:
    scattered = np.zeros(1000, np.float32)
    scattered[dice.sample(range(1000), len(weights))] = weights
    percents = TREE.percents(scattered / max(scattered.sum(), 1))
    assert percents.min() >= 0
    assert percents.max() <= 100
    for index, label in enumerate(TREE.labels):
        assert all(percents[ancestor] >= percents[index] for ancestor in label.ancestors)
