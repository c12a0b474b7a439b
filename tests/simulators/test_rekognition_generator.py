"""The invented answers obey what was measured on real ones, and are cut as the service cuts."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from labelplan.model.response import strict_answer
from tests.simulators.rekognition.checks import FeatureSettings, GeneralLabels, Parameters, Properties
from tests.simulators.rekognition.generator import generate
from tests.simulators.rekognition.select import cut
from tests.simulators.rekognition.tree import LEAVES, PARENTS, TREE

CATEGORIES = sorted({kind.category for kind in TREE.values()})
answers = st.binary(min_size=32, max_size=32).map(lambda digest: generate(digest.hex(), "3.0"))
names = st.lists(st.sampled_from(sorted(TREE)), max_size=5).map(tuple)
categories = st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple)
filters = st.builds(GeneralLabels, names, names, categories, categories)
MANY = [generate(f"{number:064x}", "3.0") for number in range(400)]


def named(entries: list[dict[str, str]]) -> list[str]:
    return [entry["Name"] for entry in entries]


def numbers(part: Any) -> list[float]:
    if isinstance(part, dict):
        return [
            number
            for key, value in part.items()
            for number in ([] if key in {"Red", "Green", "Blue"} else numbers(value))
        ]
    if isinstance(part, list):
        return [number for value in part for number in numbers(value)]
    return [part] if isinstance(part, (int, float)) else []


@given(answers)
def test_every_ancestor_is_there_and_never_less_sure(answer: dict[str, Any]) -> None:
    found = {label["Name"]: label["Confidence"] for label in answer["Labels"]}
    assert len(found) == len(answer["Labels"])
    for label in answer["Labels"]:
        for parent in named(label["Parents"]):
            assert found[parent] >= label["Confidence"]


@given(answers)
def test_parents_are_all_ancestors_in_alphabetical_order(answer: dict[str, Any]) -> None:
    for label in answer["Labels"]:
        parents = named(label["Parents"])
        assert parents == sorted(set(parents))
        for parent in parents:
            assert set(PARENTS[parent]) < set(parents)


@given(answers)
def test_the_surest_label_comes_first(answer: dict[str, Any]) -> None:
    assert all(one["Confidence"] >= other["Confidence"] for one, other in pairwise(answer["Labels"]))


@given(answers)
def test_every_number_is_a_float32_and_a_whole_one_an_integer(answer: dict[str, Any]) -> None:
    for number in numbers(answer):
        assert struct.unpack("f", struct.pack("f", number)) == (number,)
        assert isinstance(number, int) == (number == int(number))
        assert 0 <= number <= 100


@given(answers)
def test_only_a_kind_that_has_boxes_gets_instances_and_they_lie_in_the_picture(answer: dict[str, Any]) -> None:
    for label in answer["Labels"]:
        assert not label["Instances"] or TREE[label["Name"]].boxes
        for instance in label["Instances"]:
            box = instance["BoundingBox"]
            assert box["Left"] + box["Width"] <= 1 + 1e-6
            assert box["Top"] + box["Height"] <= 1 + 1e-6
            assert instance["Confidence"] <= label["Confidence"]


@given(answers)
def test_labelplan_reads_the_answer_as_strictly_as_a_real_one(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    assert strict_answer(raw).raw == raw


def test_an_alias_is_never_a_label_of_its_own() -> None:
    aliases = [alias for kind in TREE.values() for alias in kind.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(TREE)


def test_the_same_content_gets_the_same_answer_and_a_new_model_says_it_differently() -> None:
    old, new = generate("ab" * 32, "3.0"), generate("ab" * 32, "3.1")
    assert old == generate("ab" * 32, "3.0")
    assert sorted(label["Name"] for label in old["Labels"]) == sorted(label["Name"] for label in new["Labels"])
    assert [label["Confidence"] for label in old["Labels"]] != [label["Confidence"] for label in new["Labels"]]


def test_everything_that_real_answers_hold_turns_up_sometimes() -> None:
    labels = [label for answer in MANY for label in answer["Labels"]]
    boxed = [label for label in labels if label["Instances"]]
    sure = [label["Instances"][0]["Confidence"] == label["Confidence"] for label in boxed]
    assert {label["Name"] for label in labels} == set(TREE)
    assert set(LEAVES) < set(TREE)
    assert any(label["Confidence"] == 100 for label in labels)
    assert any(label["Confidence"] < 55 for label in labels)
    assert 0.6 < sum(sure) / len(sure) < 0.95  # 87 of 111 on real ones
    assert any(one["Confidence"] == other["Confidence"] < 100 for a in MANY for one, other in pairwise(a["Labels"]))


@given(answers, filters, st.floats(0, 100), st.integers(0, 12))
def test_filters_come_first_then_confidence_then_the_count(
    answer: dict[str, Any], chosen: GeneralLabels, least: float, most: int
) -> None:
    asked = Parameters(MaxLabels=most, MinConfidence=least, Settings=FeatureSettings(chosen))
    every = Parameters(MinConfidence=0, Settings=FeatureSettings(chosen))
    filtered = cut(answer, every)["Labels"]
    assert cut(answer, asked)["Labels"] == [label for label in filtered if label["Confidence"] >= least][:most]


@given(answers, filters)
def test_a_filter_takes_labels_away_and_never_their_names_from_the_parents_of_others(
    answer: dict[str, Any], chosen: GeneralLabels
) -> None:
    kept = cut(answer, Parameters(MinConfidence=0, Settings=FeatureSettings(chosen)))["Labels"]
    excluded = {*chosen.LabelExclusionFilters}
    for label in answer["Labels"]:
        category = label["Categories"][0]["Name"]
        out = label["Name"] in excluded or category in chosen.LabelCategoryExclusionFilters
        asked = chosen.LabelInclusionFilters or chosen.LabelCategoryInclusionFilters
        wanted = label["Name"] in chosen.LabelInclusionFilters or category in chosen.LabelCategoryInclusionFilters
        assert (label in kept) == (not out and bool(wanted or not asked))


def test_a_cut_can_lose_an_ancestor_that_is_still_named() -> None:
    def orphans(answer: dict[str, Any]) -> bool:
        labels = cut(answer, Parameters(MaxLabels=4))["Labels"]
        found = {label["Name"] for label in labels}
        return any(set(named(label["Parents"])) - found for label in labels)

    assert 0 < sum(map(orphans, MANY)) < len(MANY)


def test_fifty_five_percent_is_enough_where_nothing_else_is_asked() -> None:
    labels = [{"Name": "Deer", "Confidence": confidence} for confidence in (55, 54.99)]
    assert cut({"Labels": labels}, Parameters())["Labels"] == labels[:1]


def test_colours_come_only_when_asked_for_and_labels_only_when_not_left_out() -> None:
    answer = MANY[0]
    assert "ImageProperties" not in cut(answer, Parameters())
    both = cut(answer, Parameters(Features=("GENERAL_LABELS", "IMAGE_PROPERTIES"), MinConfidence=0))
    assert both == answer
    few = Parameters(Features=("IMAGE_PROPERTIES",), Settings=FeatureSettings(None, Properties(2)))
    properties = cut(answer, few)
    assert properties["Labels"] == []
    assert [len(properties["ImageProperties"][part]["DominantColors"]) for part in ("Foreground", "Background")] == [
        2,
        2,
    ]
    assert properties["ImageProperties"]["DominantColors"] == answer["ImageProperties"]["DominantColors"][:2]
