from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused, BudgetExceeded, DetectorFailed, SpecMismatch
from labelplan.model.objects import LocalImage
from labelplan.model.response import Unreadable
from labelplan.planfile.reader import open_plan
from tests.flow.making import ANSWERS, BUCKET, REFERENCES, Bucket, Ears, Table, answer, decisions, run_plan, source

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer


def test_a_plan_holds_a_decision_for_every_object_under_the_prefixes(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS))
    assert decisions(tmp_path / "p") == {
        "deer/": ("keep", "unreadable"),
        "deer/a.jpg": ("keep", "evidence"),
        "deer/b.jpg": ("delete", "no-evidence"),
        "deer/r1.jpg": ("keep", "reference"),
        "deer/r2.jpg": ("keep", "reference"),
        "deer/r3.jpg": ("keep", "reference"),
    }


def test_a_plan_has_the_detectors_answers_inside_as_they_came(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS))
    plan = json.loads((tmp_path / "p").read_text())
    by_key = {d["key"]: d for d in plan["decisions"]}
    assert by_key["deer/b.jpg"]["response"]["Labels"][0]["Name"] == "Car"
    assert by_key["deer/"]["error"]["code"] == "empty"
    assert plan["header"]["rules"][0]["references"][0] == {
        "identity": "etag:e-deer/r1.jpg",
        "key": "deer/r1.jpg",
        "response": json.loads(REFERENCES["deer/r1.jpg"].raw),  # type: ignore[union-attr]  # it is an answer
    }


def test_nothing_is_asked_twice_nor_what_needs_no_answer(tmp_path: Path, signer: Signer) -> None:
    detector = Table(ANSWERS)
    given = source(protect=["deer/a*"])
    run_plan(tmp_path / "p", signer, given, BUCKET, detector)
    assert sorted(detector.asked) == ["deer/b.jpg", "deer/r1.jpg", "deer/r2.jpg", "deer/r3.jpg"]


def test_the_observer_hears_the_number_of_calls_before_the_first(tmp_path: Path, signer: Signer) -> None:
    ears = Ears()
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS), observer=ears)
    assert [(estimate.calls, estimate.cached) for estimate in ears.estimates] == [(5, 0)]
    assert ears.objects == 6
    assert ears.done[-1] == (6, 6)


def test_the_same_inputs_give_the_same_decisions_byte_for_byte(tmp_path: Path, signer: Signer) -> None:
    lines = []
    for name in ("p", "q"):
        run_plan(tmp_path / name, signer, source(), BUCKET, Table(ANSWERS))
        lines.append([line for line in (tmp_path / name).read_bytes().split(b"\n") if line.startswith(b'{"key"')])
    assert lines[0] == lines[1] != []


def test_rules_are_planned_in_the_order_of_their_prefixes(tmp_path: Path, signer: Signer) -> None:
    labels = {
        "z": {"prefix": "b/", "references": ["b/r.jpg"]},
        "y": {"prefix": "a/", "references": ["a/r.jpg"]},
    }
    table = Table({key: answer(Deer=99) for key in ("a/r.jpg", "b/r.jpg", "a/1", "b/1")})
    run_plan(tmp_path / "p", signer, source(labels=labels), Bucket("a/r.jpg", "b/r.jpg", "a/1", "b/1"), table)
    assert list(decisions(tmp_path / "p")) == ["a/1", "a/r.jpg", "b/1", "b/r.jpg"]


def test_a_reference_of_two_rules_is_paid_once_and_kept_in_both(tmp_path: Path, signer: Signer) -> None:
    labels = {
        "deer": {"prefix": "deer/", "references": ["deer/r1.jpg"]},
        "elk": {"prefix": "elk/", "references": ["deer/r1.jpg"]},
    }
    detector = Table({**ANSWERS, "elk/1.jpg": answer(Deer=99)})
    run_plan(tmp_path / "p", signer, source(labels=labels), Bucket("deer/r1.jpg", "elk/1.jpg"), detector)
    assert detector.asked.count("deer/r1.jpg") == 1
    assert decisions(tmp_path / "p")["deer/r1.jpg"] == ("keep", "reference")


def test_a_local_file_can_be_a_reference(tmp_path: Path, signer: Signer) -> None:
    labels = {"deer": {"prefix": "deer/", "references": ["./r.jpg"]}}
    local = {"./r.jpg": LocalImage("./r.jpg", b"x", "ab" * 32)}
    detector = Table({"./r.jpg": answer(Deer=99), "deer/a.jpg": answer(Deer=99)})
    run_plan(tmp_path / "p", signer, source(local, labels=labels), Bucket("deer/a.jpg"), detector)
    (record,) = json.loads((tmp_path / "p").read_text())["header"]["rules"][0]["references"]
    assert (record["file"], record["identity"]) == ("./r.jpg", "sha256:" + "ab" * 32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protect": ["fish/**"]}, "protect: 'fish/**' matches no object"),
        ({"labels": {"deer": {"prefix": "dear/", "references": ["deer/r1.jpg"]}}}, "no image under dear/"),
        ({"labels": {"deer": {"prefix": "deer/", "references": ["deer/r9.jpg"]}}}, "no object deer/r9.jpg"),
        ({"labels": {"deer": {"prefix": "deer/", "accept": ["Deer"], "keep": ["deer/x.jpg"]}}}, "no object deer/x.jpg"),
        (
            {"labels": {"deer": {"prefix": "deer/", "accept": ["Deer"], "delete": [{"key": "deer/x", "etag": "e"}]}}},
            "there is no object deer/x",
        ),
        (
            {
                "labels": {
                    "deer": {"prefix": "deer/", "accept": ["Deer"], "delete": [{"key": "deer/a.jpg", "etag": "e"}]}
                }
            },
            "deer/a.jpg has the ETag e-deer/a.jpg now, not e",
        ),
    ],
    ids=["protect", "prefix", "reference", "keep", "delete", "delete of other content"],
)
def test_what_matches_nothing_is_an_error_before_anything_is_paid(
    tmp_path: Path, signer: Signer, changes: dict[str, Any], words: str
) -> None:
    detector = Table(ANSWERS)
    with pytest.raises(SpecMismatch, match=words.replace("*", r"\*")):
        run_plan(tmp_path / "p", signer, source(**changes), BUCKET, detector)
    assert detector.asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_prefix_is_told_what_there_is_beside_it(tmp_path: Path, signer: Signer) -> None:
    labels = {"deer": {"prefix": "images/dear/", "accept": ["Deer"]}}
    with pytest.raises(SpecMismatch, match=r"the first object under images/ is images/deer/1\.jpg"):
        run_plan(tmp_path / "p", signer, source(labels=labels), Bucket("images/deer/1.jpg"), Table({}))


def test_a_folder_with_nothing_but_its_marker_is_empty(tmp_path: Path, signer: Signer) -> None:
    labels = {"deer": {"prefix": "deer/", "accept": ["Deer"]}}
    with pytest.raises(SpecMismatch, match="no image under deer/"):
        run_plan(tmp_path / "p", signer, source(labels=labels), Bucket(empty=("deer/",)), Table({}))


def test_pins_that_match_decide_without_an_answer(tmp_path: Path, signer: Signer) -> None:
    labels = {
        "deer": {
            "prefix": "deer/",
            "accept": ["Deer"],
            "keep": ["deer/b.jpg"],
            "delete": [{"key": "deer/a.jpg", "etag": "e-deer/a.jpg"}],
        }
    }
    detector = Table(ANSWERS)
    run_plan(tmp_path / "p", signer, source(labels=labels), Bucket("deer/a.jpg", "deer/b.jpg"), detector)
    assert decisions(tmp_path / "p") == {"deer/a.jpg": ("delete", "pinned"), "deer/b.jpg": ("keep", "pinned")}
    assert detector.asked == []


def test_an_empty_set_of_accepted_labels_is_an_error_never_a_delete_all(tmp_path: Path, signer: Signer) -> None:
    weak = {key: answer(Deer=85) for key in REFERENCES}
    with pytest.raises(SpecMismatch, match=r"deer: no label is accepted, so everything under deer/ would be deleted"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS | weak))
    assert list(tmp_path.iterdir()) == []


def test_a_reference_without_an_answer_is_an_error(tmp_path: Path, signer: Signer) -> None:
    table = Table(ANSWERS | {"deer/r2.jpg": Unreadable("invalid-image", "not a picture")})
    with pytest.raises(SpecMismatch, match=r"reference deer/r2.jpg cannot be labelled: invalid-image: not a picture"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, table)


def test_a_reference_that_rekognition_may_not_read_is_a_refusal_with_what_to_check(
    tmp_path: Path, signer: Signer
) -> None:
    table = Table(ANSWERS | {"deer/r2.jpg": Unreadable("no-access", "Unable to get object metadata")})
    with pytest.raises(AwsRefused, match=r"cannot read the reference deer/r2.jpg") as caught:
        run_plan(tmp_path / "p", signer, source(), BUCKET, table)
    assert "s3:GetObject" in caught.value.advice


def test_when_rekognition_may_read_no_object_at_all_there_is_no_plan(tmp_path: Path, signer: Signer) -> None:
    no = Unreadable("no-access", "Unable to get object metadata")
    with pytest.raises(AwsRefused, match="none of the objects"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS | {"deer/a.jpg": no, "deer/b.jpg": no}))
    assert list(tmp_path.iterdir()) == []


def test_one_object_that_rekognition_may_not_read_is_kept(tmp_path: Path, signer: Signer) -> None:
    no = Unreadable("no-access", "Unable to get object metadata")
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS | {"deer/b.jpg": no}))
    assert decisions(tmp_path / "p")["deer/b.jpg"] == ("keep", "unreadable")


def test_references_of_two_models_cannot_be_compared(tmp_path: Path, signer: Signer) -> None:
    table = Table(ANSWERS | {"deer/r2.jpg": answer("3.1", Deer=99)})
    with pytest.raises(DetectorFailed, match=r"different models: 3\.0, 3\.1"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, table)


def test_a_detector_that_fails_leaves_no_plan_and_the_old_one_as_it_was(tmp_path: Path, signer: Signer) -> None:
    class Failing(Table):
        def detect(self, image: Any) -> Any:
            if image.key == "deer/b.jpg":
                raise DetectorFailed("no answer")
            return super().detect(image)

    (tmp_path / "p").write_text("the old plan")
    with pytest.raises(DetectorFailed):
        run_plan(tmp_path / "p", signer, source(), BUCKET, Failing(ANSWERS))
    assert [file.read_text() for file in tmp_path.iterdir()] == ["the old plan"]


def test_a_budget_below_the_calls_stops_before_the_first(tmp_path: Path, signer: Signer) -> None:
    detector = Table(ANSWERS)
    with pytest.raises(BudgetExceeded, match="needs 5 DetectLabels calls, the budget is 4"):
        run_plan(tmp_path / "p", signer, source(budget={"max_calls": 4}), BUCKET, detector)
    assert detector.asked == []


def test_a_budget_means_nothing_to_a_detector_that_is_free(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "p", signer, source(budget={"max_calls": 1}), BUCKET, Table(ANSWERS, paid=False))
    assert (tmp_path / "p").exists()


def test_warnings_stand_in_the_signed_summary(tmp_path: Path, signer: Signer) -> None:
    planned = run_plan(
        tmp_path / "p", signer, source(exclude=["Persom"]), BUCKET, Table(ANSWERS | {"deer/a.jpg": answer(Person=1)})
    )
    codes = {warning.code for warning in planned.summary.rules[0].warnings}
    assert codes == {"guard-keep", "unseen-label"}
    with open_plan(tmp_path / "p") as plan:
        assert plan.summary == planned.summary


def test_a_plan_expires_after_seven_days(tmp_path: Path, signer: Signer) -> None:
    header = run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS)).header
    assert (header.created.isoformat(), (header.expires - header.created).days) == ("2026-11-22T14:05:07+00:00", 7)
