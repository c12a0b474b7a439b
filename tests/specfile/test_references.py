from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from labelplan.errors import SpecError
from labelplan.model.objects import LocalImage
from labelplan.specfile.load import Loaded, load_spec
from labelplan.specfile.references import MAX_BYTES, read_local_references
from tests.specfile.making import GOOD

if TYPE_CHECKING:
    from pathlib import Path


HINT = "a key of the bucket is written without './' or '/' at its beginning"


def with_references(folder: Path, *references: str) -> Loaded:
    path = folder / "deer.yaml"
    lines = "".join(f"\n      - {reference}" for reference in references)
    path.write_text(GOOD[: GOOD.index(" [")] + lines + "\n")
    return load_spec(path)


def test_local_references_are_read_from_the_spec_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "specs"
    spec.mkdir()
    (spec / "near.jpg").write_bytes(b"near")
    (tmp_path / "above.jpg").write_bytes(b"above")
    (tmp_path / "far.jpg").write_bytes(b"far")
    names = ["./near.jpg", "../above.jpg", str(tmp_path / "far.jpg")]
    loaded = with_references(spec, *names, "images/deer/1.jpg")
    monkeypatch.chdir(tmp_path)
    assert read_local_references(loaded) == {
        name: LocalImage(name, content, hashlib.sha256(content).hexdigest())
        for name, content in zip(names, (b"near", b"above", b"far"), strict=True)
    }


def test_every_file_that_cannot_be_used_is_told_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "large.jpg").write_bytes(bytes(MAX_BYTES + 1))
    (tmp_path / "fits.jpg").write_bytes(bytes(MAX_BYTES))
    (tmp_path / "folder").mkdir()
    names = [
        "./missing.jpg",
        "./empty.jpg",
        "./large.jpg",
        "./fits.jpg",
        "./folder",
        '"./a\\0.jpg"',
        "images/deer/1.jpg",
    ]
    with pytest.raises(SpecError) as caught:
        read_local_references(with_references(tmp_path, *names))
    told = [(one.line, one.where, one.message.replace(str(tmp_path), "…")) for one in caught.value.problems]
    assert told == [
        (
            7,
            "labels.deer.references[0]",
            f"./missing.jpg: there is no such file (…/missing.jpg); {HINT}",
        ),
        (8, "labels.deer.references[1]", "./empty.jpg: is empty"),
        (9, "labels.deer.references[2]", "./large.jpg: is larger than the 5 MB of a local reference"),
        (11, "labels.deer.references[4]", "./folder: cannot be read: Is a directory"),
        (12, "labels.deer.references[5]", r"./a\x00.jpg: cannot be read: embedded null byte"),
    ]
