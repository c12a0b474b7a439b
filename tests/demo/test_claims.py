from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from labelplan.demo.bucket import photographs
from labelplan.demo.claims import ClaimFailed, check_applied, check_plan, check_undone, planted

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = photographs()


def write(path: Path, deleted: set[str]) -> Path:
    decisions = [{"key": key, "action": "delete" if key in deleted else "keep"} for key in PHOTOS]
    path.write_text(json.dumps({"decisions": decisions}))
    return path


def test_the_demo_has_58_photographs_of_which_13_are_planted() -> None:
    assert (len(PHOTOS), len(planted()), planted() <= set(PHOTOS)) == (58, 13, True)


def test_a_plan_that_finds_exactly_the_planted_ones_passes(tmp_path: Path) -> None:
    assert check_plan(write(tmp_path / "p", planted()), set(PHOTOS)) == "13 to delete, 45 to keep, none wrong"


@pytest.mark.parametrize("change", [{"bird/duck.jpg"}, {"bird/plier3.jpg"}], ids=["a good one", "one missed"])
def test_a_plan_that_is_wrong_about_one_photograph_fails(tmp_path: Path, change: set[str]) -> None:
    with pytest.raises(ClaimFailed, match=next(iter(change))):
        check_plan(write(tmp_path / "p", planted() ^ change), set(PHOTOS))


def test_a_plan_that_leaves_a_photograph_out_fails(tmp_path: Path) -> None:
    with pytest.raises(ClaimFailed):
        check_plan(write(tmp_path / "p", planted()), {*PHOTOS, "bird/another.jpg"})


def test_after_apply_exactly_the_planted_ones_must_be_gone() -> None:
    kept = {key: content for key, content in PHOTOS.items() if key not in planted()}
    assert check_applied(PHOTOS, kept) == "13 gone, 45 untouched"
    for wrong in (PHOTOS, dict(list(kept.items())[1:]), kept | {"bird/duck.jpg": b"changed"}):
        with pytest.raises(ClaimFailed):
            check_applied(PHOTOS, wrong)


def test_after_undo_every_byte_must_be_back() -> None:
    assert check_undone(PHOTOS, dict(PHOTOS)) == "58 of 58 back, byte for byte"
    for wrong in (PHOTOS | {"bird/duck.jpg": b"changed"}, PHOTOS | {"new": b""}, {}):
        with pytest.raises(ClaimFailed):
            check_undone(PHOTOS, wrong)


def test_every_photograph_has_its_author_licence_and_source() -> None:
    from importlib import resources  # noqa: PLC0415 - one test's need

    rows = (resources.files("labelplan.demo") / "ATTRIBUTION.tsv").read_text(encoding="utf-8").splitlines()[1:]
    attributed = {row.split("\t")[0]: row.split("\t") for row in rows}
    assert set(attributed) == set(PHOTOS)
    assert {row[2].lower() for row in attributed.values()} == {"cc0-1.0", "public domain"}
    assert all(row[1] and row[3] for row in attributed.values())
