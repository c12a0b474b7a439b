from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.model.spec import DetectorSettings, GradedLabel, Guards, LabelRule, Pin, Spec
from labelplan.specfile import build
from labelplan.specfile.build import build_spec
from labelplan.specfile.schema import schema_text
from tests.specfile.making import GOOD, load, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCES = tuple(f"images/deer/{number}.jpg" for number in (1, 2, 3))


def test_every_default_is_filled_in() -> None:
    assert load(GOOD).spec == Spec(
        bucket="wildlife",
        account=None,
        region=None,
        detector=DetectorSettings("rekognition", 50, 50),
        rules=(
            LabelRule(
                name="deer",
                prefix="images/deer/",
                references=REFERENCES,
                threshold=85,
                evidence="any",
                accept=(),
                ignore=(),
                exclude=(),
                keep=(),
                delete=(),
                guards=Guards(30, 100_000, 1),
            ),
        ),
        protect=(),
        max_calls=None,
    )


def test_the_local_detector_has_its_own_defaults() -> None:
    spec = load(GOOD + "detector: {service: local}\n").spec
    assert spec.detector == DetectorSettings("local", 50, 5)
    assert spec.rules[0].threshold == 10


def test_scalars_of_a_rule_override_and_lists_replace() -> None:
    text = GOOD + "    threshold: 90\n    evidence: any\n    exclude: [Car]\nthreshold: 70\nevidence: specific\n"
    text += "exclude: [Person, Dog]\n"
    assert (rule(text).threshold, rule(text).evidence) == (90, "any")
    assert rule(text).exclude == (GradedLabel("Car", 90),)


def test_a_rule_without_its_own_takes_the_spec_s() -> None:
    text = GOOD + "threshold: 70\nevidence: specific\nexclude: [Person, {label: Car, threshold: 60}]\n"
    assert (rule(text).threshold, rule(text).evidence) == (70, "specific")
    assert rule(text).exclude == (GradedLabel("Person", 70), GradedLabel("Car", 60))


def test_the_spec_s_exclude_takes_the_threshold_of_the_rule_it_holds_for() -> None:
    assert rule(GOOD + "    threshold: 95\nexclude: [Person]\n").exclude == (GradedLabel("Person", 95),)


def test_an_empty_list_of_a_rule_replaces_too() -> None:
    assert rule(GOOD + "    exclude: []\nexclude: [Person]\n").exclude == ()


def test_guards_are_merged_field_by_field() -> None:
    text = GOOD + "    guards: {max_delete_percent: 50}\nguards: {max_delete_percent: 10, min_keep: 7}\n"
    assert rule(text).guards == Guards(max_delete_percent=50, max_delete_count=100_000, min_keep=7)


def test_an_accepted_label_has_the_rule_s_threshold_and_an_ignored_one_never_counts() -> None:
    text = (
        GOOD + "    accept: [Deer, {label: Elk, threshold: 60}]\n    ignore: [Nature, {label: Animal, threshold: 99}]\n"
    )
    assert rule(text).accept == (GradedLabel("Deer", 85), GradedLabel("Elk", 60))
    assert rule(text).ignore == (GradedLabel("Nature", 100), GradedLabel("Animal", 99))


def test_pins_and_the_rest_arrive_as_written() -> None:
    text = GOOD + "    keep: [images/deer/4.jpg]\n    delete: [{key: images/deer/5.jpg, etag: 9b2c}]\n"
    text += 'account: "123456789012"\nregion: eu-west-1\nprotect: ["**/holdout/**"]\nbudget: {max_calls: 7}\n'
    spec = load(text + "backup: {mode: versioning}\n").spec
    assert (spec.account, spec.region, spec.protect, spec.max_calls) == (
        "123456789012",
        "eu-west-1",
        ("**/holdout/**",),
        7,
    )
    assert (spec.rules[0].keep, spec.rules[0].delete) == (("images/deer/4.jpg",), (Pin("images/deer/5.jpg", "9b2c"),))


@pytest.mark.parametrize(
    ("usd", "calls"),
    [("50", 50_000), ("1.001", 1001), ("0.0019", 1), ("0", 0), ("2.3", 2300), ("1000.0016", 1_000_002)],
)
def test_dollars_become_calls_by_the_published_tiers_rounded_down(usd: str, calls: int) -> None:
    assert load(GOOD + f"budget: {{max_usd: {usd}}}\n").spec.max_calls == calls


def test_pace_conversion_and_who_pays_arrive_as_written() -> None:
    spec = load(GOOD + "detector: {tps: 12.5, convert: true}\nrequest_payer: requester\n").spec
    assert (spec.detector.tps, spec.detector.convert, spec.requester_pays) == (12.5, True, True)
    spec = load(GOOD + "detector: {tps: 50, convert: false}\n").spec
    assert (spec.detector.tps, spec.detector.convert, spec.requester_pays) == (50, False, False)
    assert load(GOOD).spec.detector.tps is None


def test_rules_stay_in_the_order_of_the_file() -> None:
    text = GOOD + "".join(f"  {name}:\n    prefix: {name}/\n    accept: [Deer]\n" for name in "zba")
    assert [one.name for one in load(text).spec.rules] == ["deer", "z", "b", "a"]


@given(
    threshold=st.floats(50, 99.9),
    exclude=st.lists(st.sampled_from(["Person", "Car", "Dog"]), unique=True),
    usd=st.floats(0, 10**6),
)
def test_a_spec_can_be_built_again_from_the_json_in_a_plan(threshold: float, exclude: list[str], usd: float) -> None:
    data = {"version": 1, "bucket": "wildlife", "threshold": threshold, "exclude": exclude, "budget": {"max_usd": usd}}
    data["labels"] = {"deer": {"prefix": "d/", "accept": ["Deer", {"label": "Elk", "threshold": threshold}]}}
    assert build_spec(msgspec.json.decode(msgspec.json.encode(data))) == build_spec(data)


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": 5},
        {"labels": {"deer": {}}},
        {"labels": {"deer": {"prefix": "a/", "refrences": []}}},
        {"threshold": "85"},
        {"surprise": 1},
        {"detector": {"service": "other"}},
        {"detector": {"tps": "50"}},
        {"detector": {"convert": 1}},
        {"request_payer": "owner"},
        {"backup": {"mode": "none"}},
        {"backup": {"keep_days": "30"}},
        {"backup": {"bucket": None}},
    ],
)
def test_data_that_are_no_spec_are_a_value_error(change: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a spec: "):
        build_spec({"version": 1, "bucket": "wildlife", "labels": {"deer": {"prefix": "a/"}}, **change})


def test_building_needs_neither_yaml_nor_the_schema() -> None:
    code = "import sys, labelplan.specfile.build; print({'yaml', 'jsonschema', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout == "set()\n"


def test_builder_and_schema_know_the_same_keys() -> None:
    schema = json.loads(schema_text())
    shapes: dict[type[msgspec.Struct], Any] = {
        build._Document: schema,
        build._Rule: schema["$defs"]["rule"],
        build._Guards: schema["$defs"]["guards"],
        build._Graded: schema["$defs"]["gradedLabels"]["items"],
        build._Detector: schema["properties"]["detector"],
        build._Budget: schema["properties"]["budget"],
        build._Backup: schema["properties"]["backup"],
        Pin: schema["$defs"]["rule"]["properties"]["delete"]["items"],
    }
    for shape, part in shapes.items():
        assert set(shape.__struct_fields__) == set(part["properties"]), shape


def test_builder_and_schema_have_the_same_defaults() -> None:
    schema = json.loads(schema_text())
    data = {"version": 1, "bucket": "wildlife", "labels": {"deer": {"prefix": "a/"}}}
    detector = schema["properties"]["detector"]["properties"]
    settings = {name: part["default"] for name, part in detector.items() if "default" in part}
    assert set(detector) - set(settings) == {"tps"}
    defaults = {name: part["default"] for name, part in schema["properties"].items() if "default" in part}
    guards = {name: part["default"] for name, part in schema["$defs"]["guards"]["properties"].items()}
    assert {"threshold", "exclude", "evidence", "detector", "protect", "guards", "backup"} == set(defaults)
    backup = {
        name: part["default"]
        for name, part in schema["properties"]["backup"]["properties"].items()
        if "default" in part
    }
    assert set(backup) == {"mode", "prefix", "keep_days"}
    assert build_spec(data) == build_spec({**data, **defaults, "detector": settings, "backup": backup})
    assert defaults["guards"] == guards
