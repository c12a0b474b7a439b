from __future__ import annotations

from pathlib import Path

import pytest

from labelplan.model.spec import DetectorSettings, GradedLabel
from labelplan.rules.advice import few_references
from labelplan.specfile.load import load_spec
from labelplan.specfile.references import read_local_references

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_there_is_an_example_of_each_kind() -> None:
    assert {path.stem for path in EXAMPLES} >= {"classic", "deer", "local", "minimal"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_without_a_warning(path: Path) -> None:
    loaded = load_spec(path)
    assert [warning for rule in loaded.spec.rules for warning in few_references(rule)] == []
    assert read_local_references(loaded) == {}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_begins_with_the_schema_for_editors_and_explains_itself(path: Path) -> None:
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == (ROOT / "labelplan/schemas/spec.schema.json").resolve()
    assert sum(line.lstrip().startswith("#") for line in rest) >= 3


def test_the_classic_example_asks_for_the_classic_method() -> None:
    spec = load_spec(ROOT / "examples/classic.yaml").spec
    assert spec.detector == DetectorSettings("rekognition", max_labels=10, min_confidence=55)
    for rule in spec.rules:
        assert 3 <= len(rule.references) <= 5
        assert (rule.threshold, rule.evidence, rule.exclude) == (85, "any", (GradedLabel("Person", 85),))
        assert (rule.accept, rule.ignore, rule.keep, rule.delete) == ((), (), (), ())
    assert spec.protect == ()


def test_the_deer_example_shows_every_setting() -> None:
    loaded = load_spec(ROOT / "examples/deer.yaml")
    assert set(loaded.data) == {
        *("version", "bucket", "account", "region", "threshold", "exclude", "evidence", "detector"),
        *("labels", "protect", "guards", "budget", "backup"),
    }
    assert {key for rule in loaded.data["labels"].values() for key in rule} == {
        *("prefix", "references", "accept", "ignore", "threshold", "exclude", "evidence", "keep", "delete", "guards"),
    }
