from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from labelplan.cli.main import run
from labelplan.detect import open as opening
from labelplan.model.spec import DetectorSettings, GradedLabel
from labelplan.rules.advice import few_references
from labelplan.specfile.load import load_spec
from labelplan.specfile.references import read_local_references
from tests.flow.applying import SINGLE
from tests.flow.making import Table, answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.model.spec import LabelRule

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_there_is_an_example_of_each_kind() -> None:
    assert {path.stem for path in EXAMPLES} >= {"classic", "copies", "deer", "local", "minimal"}


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


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_from_plan_to_undo(
    path: Path, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a bucket that has what the example names; what the images show is made up, and a table answers it."""
    spec = load_spec(path).spec
    if spec.backup.mode == "copy":  # moto's server does not compare what is copied
        monkeypatch.setattr("labelplan.store.s3.S3Writer.probe", lambda _: replace(SINGLE, copy_source=True))
    bucket = f"{path.stem}-{spec.bucket}"
    for name in {bucket, spec.backup.bucket or bucket}:
        s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    etags = {
        key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["ETag"].strip('"') for key in _keys(spec.rules)
    }
    text = path.read_text(encoding="utf-8")
    for pin in (pin for rule in spec.rules for pin in rule.delete):
        text = text.replace(pin.etag, etags[pin.key])
    (tmp_path / "spec.yaml").write_text(text.replace(f"bucket: {spec.bucket}", f"bucket: {bucket}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELPLAN_KEY", "key")
    monkeypatch.setenv("LABELPLAN_TRUST_OWN_KEY", "1")
    shows = {key: answer(Car=99) if "bad" in key else answer(Subject=99) for key in etags}
    monkeypatch.setattr(opening, "open_detector", lambda *_, **__: Table(shows))
    for command in ("key generate", "validate spec.yaml", "plan spec.yaml", "apply spec.plan.json --auto-approve"):
        assert run(command.split()) == 0, capsys.readouterr()
    applied = capsys.readouterr().out
    assert f"Apply complete: {len(spec.rules) + sum(len(rule.delete) for rule in spec.rules)} deleted." in applied
    assert run([*applied.rpartition("Undo with: labelplan ")[2].split(), "--auto-approve"]) == 0
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]} >= set(etags)


def _keys(rules: tuple[LabelRule, ...]) -> list[str]:
    """Name what a spec speaks of, and for each rule 30 good images, a bad one, and one that a pattern may protect."""
    return [
        key
        for rule in rules
        for key in (
            *rule.references,
            *rule.keep,
            *(pin.key for pin in rule.delete),
            *(f"{rule.prefix}good{number:02}.jpg" for number in range(30)),
            f"{rule.prefix}bad.jpg",
            f"{rule.prefix}holdout/1.jpg",
        )
    ]
