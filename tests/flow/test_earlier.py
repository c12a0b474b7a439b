from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.detect.cache import open_cache
from labelplan.errors import PlanCorrupt, UsageError
from labelplan.flow.earlier import take_answers
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Answered, Response, Unreadable
from labelplan.planfile.reader import open_plan
from tests.flow.making import Bucket, Table, answer, run_plan, source

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer

LOCAL = {"./r.jpg": LocalImage("./r.jpg", b"x", hashlib.sha256(b"x").hexdigest())}
LABELS = {"deer": {"prefix": "deer/", "references": ["deer/r1.jpg", "far/r2.jpg", "./r.jpg"]}}
BUCKET = Bucket("deer/a.jpg", "deer/b.webp", "deer/c.jpg", "deer/r1.jpg", "far/r2.jpg")
ANSWERS = {
    **dict.fromkeys(("deer/a.jpg", "deer/r1.jpg", "far/r2.jpg", "./r.jpg"), answer(Deer=99)),
    "deer/b.webp": Unreadable("invalid-image", "Request has invalid image format"),
    "deer/c.jpg": Unreadable("no-access", "Unable to get object metadata"),
}


def spec(**changes: Any) -> Any:
    return source(LOCAL, **({"labels": LABELS} | changes))


def take(old: Path, cache: Path, given: Any = None, bucket: Bucket = BUCKET) -> int:
    with open_plan(old) as plan, open_cache(cache) as kept:
        return take_answers(plan, given or spec(), bucket.target(), bucket, "table", kept)


def test_whoever_has_the_plan_plans_again_without_paying(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS))
    assert take(tmp_path / "old", tmp_path / "mine") == 5
    table = Table(ANSWERS)
    run_plan(tmp_path / "new", signer, spec(threshold=95), BUCKET, table, cache=tmp_path / "mine")
    assert table.asked == ["deer/c.jpg"]  # what could not be read may be readable now
    assert take(tmp_path / "old", tmp_path / "mine") == 0


def test_the_answers_are_the_same_bytes(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS))
    take(tmp_path / "old", tmp_path / "mine")
    run_plan(tmp_path / "new", signer, spec(), BUCKET, Table(ANSWERS), cache=tmp_path / "mine")
    lines = [
        [line for line in (tmp_path / name).read_bytes().splitlines() if line.startswith(b'{"key"')]
        for name in ("old", "new")
    ]
    assert lines[0] == lines[1]


def test_what_changed_since_is_paid_for(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS))
    now = Bucket(*BUCKET.objects)
    for key in ("deer/a.jpg", "far/r2.jpg"):
        now.objects[key] = S3Object(key, "v2", "e2", 11)
    assert take(tmp_path / "old", tmp_path / "mine", bucket=now) == 4  # the plan's own deer/a.jpg is among them
    table = Table(ANSWERS)
    run_plan(tmp_path / "new", signer, spec(), now, table, cache=tmp_path / "mine")
    assert sorted(table.asked) == ["deer/a.jpg", "deer/c.jpg", "far/r2.jpg"]


@pytest.mark.parametrize(
    "detector", [{"max_labels": 49}, {"min_confidence": 60}, {"service": "local"}], ids=lambda given: next(iter(given))
)
def test_a_plan_that_was_asked_otherwise_is_refused(tmp_path: Path, signer: Signer, detector: dict[str, Any]) -> None:
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS))
    with pytest.raises(UsageError, match="other detector settings than this spec's: max_labels 50, min_confidence 50"):
        take(tmp_path / "old", tmp_path / "mine", spec(detector=detector))


def test_a_plan_of_converted_images_is_refused_where_none_are_converted(tmp_path: Path, signer: Signer) -> None:
    run_plan(
        tmp_path / "old",
        signer,
        spec(detector={"convert": True}),
        Bucket("deer/a.jpg", "deer/r1.jpg", "far/r2.jpg"),
        Table(ANSWERS),
    )
    with pytest.raises(UsageError, match="convert True"):
        take(tmp_path / "old", tmp_path / "mine")


def test_answers_to_converted_images_serve_a_plan_that_converts(tmp_path: Path, signer: Signer) -> None:
    bucket, given = Bucket("deer/a.jpg", "deer/r1.jpg", "far/r2.jpg"), spec(detector={"convert": True})
    run_plan(tmp_path / "old", signer, given, bucket, Table(ANSWERS))
    assert take(tmp_path / "old", tmp_path / "mine", given) == 4
    table = Table(ANSWERS)
    run_plan(tmp_path / "new", signer, given, bucket, table, cache=tmp_path / "mine")
    assert table.asked == []


def test_a_plan_of_another_server_or_of_the_free_detector_is_refused(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS))
    elsewhere = Bucket(*BUCKET.objects)
    elsewhere.endpoint = ""
    with pytest.raises(UsageError, match="made for another server"):
        take(tmp_path / "old", tmp_path / "mine", bucket=elsewhere)
    local = spec(detector={"service": "local"}, threshold=50)
    run_plan(tmp_path / "free", signer, local, BUCKET, Table(ANSWERS, paid=False))
    with pytest.raises(UsageError, match="cost nothing"):
        take(tmp_path / "free", tmp_path / "mine", local)


def test_an_answer_that_two_parsers_could_read_differently_is_not_taken(tmp_path: Path, signer: Signer) -> None:
    twice = Answered(b'{"Labels":[],"LabelModelVersion":"3.0","Labels":[]}', Response((), "3.0"))
    run_plan(tmp_path / "old", signer, spec(), BUCKET, Table(ANSWERS | {"deer/a.jpg": twice}))
    with pytest.raises(PlanCorrupt, match=r"the answer for 'deer/a\.jpg': a key is given twice"):
        take(tmp_path / "old", tmp_path / "mine")


def test_a_plan_that_another_service_answered_is_refused(tmp_path: Path, signer: Signer) -> None:
    class AtAws(Table):
        identity = "rekognition"

    run_plan(tmp_path / "old", signer, spec(), BUCKET, AtAws(ANSWERS))
    with pytest.raises(UsageError, match="was answered by rekognition, and this is table"):
        take(tmp_path / "old", tmp_path / "mine")
