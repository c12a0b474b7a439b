from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET

from labelplan.detect.cache import open_cache
from labelplan.errors import AnswersPending, AwsRefused, BudgetExceeded, CacheUnusable, DetectorFailed, SpecMismatch
from labelplan.flow.answers import IN_VAIN
from labelplan.flow.observe import Estimate
from labelplan.flow.plan import estimate_plan
from labelplan.flow.recheck import replay
from labelplan.flow.scope import Scope
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Unreadable
from labelplan.planfile.reader import open_plan
from tests.flow.making import Bucket, Ears, Table, answer, run_plan, source

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer

REFERENCES = {f"deer/r{n}.jpg": answer(Deer=99, Animal=98) for n in (1, 2, 3)}
BUCKET = Bucket("deer/a.jpg", "deer/b.jpg", *REFERENCES, empty=("deer/",))
ANSWERS = {**REFERENCES, "deer/a.jpg": answer(Deer=95), "deer/b.jpg": answer(Car=99)}


def decisions(path: Path) -> dict[str, tuple[str, str]]:
    return {d["key"]: (d["action"], d["reason"]) for d in json.loads(path.read_text())["decisions"]}


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


def test_a_second_plan_pays_nothing(tmp_path: Path, signer: Signer) -> None:
    first, second, cache = Table(ANSWERS), Table(ANSWERS), tmp_path / "cache" / "answers"
    run_plan(tmp_path / "p", signer, source(), BUCKET, first, cache=cache)
    ears = Ears()
    run_plan(tmp_path / "q", signer, source(threshold=90), BUCKET, second, cache=cache, observer=ears)
    assert (len(first.asked), second.asked) == (5, [])
    assert [(estimate.calls, estimate.cached) for estimate in ears.estimates] == [(0, 5)]
    assert decisions(tmp_path / "p") == decisions(tmp_path / "q")


def test_other_settings_are_other_questions(tmp_path: Path, signer: Signer) -> None:
    table, cache = Table(ANSWERS), tmp_path / "answers"
    run_plan(tmp_path / "p", signer, source(), BUCKET, table, cache=cache)
    run_plan(tmp_path / "p", signer, source(detector={"max_labels": 10}), BUCKET, table, cache=cache)
    assert len(table.asked) == 10


def test_what_was_answered_before_a_failure_is_not_paid_again(tmp_path: Path, signer: Signer) -> None:
    table, cache = Table({**ANSWERS, "deer/b.jpg": AnswersPending("busy")}), tmp_path / "answers"
    with pytest.raises(AnswersPending, match="1 of 2 images have no answer yet"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, table, cache=cache)
    assert not (tmp_path / "p").exists()
    again = Table(ANSWERS)
    run_plan(tmp_path / "p", signer, source(), BUCKET, again, cache=cache)
    assert again.asked == ["deer/b.jpg"]


def test_a_model_that_moved_since_the_cache_was_filled_answers_for_everything_again(
    tmp_path: Path, signer: Signer
) -> None:
    cache = tmp_path / "answers"
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS), cache=cache)
    new = {key: answer("3.1", Deer=99) for key in (*ANSWERS, "deer/c.jpg")}
    bigger = Bucket("deer/a.jpg", "deer/b.jpg", "deer/c.jpg", *REFERENCES)
    table, ears = Table(new), Ears()
    planned = run_plan(tmp_path / "p", signer, source(), bigger, table, cache=cache, observer=ears)
    assert planned.header.detector.model_version == "3.1"
    assert {reason for _, reason in decisions(tmp_path / "p").values()} == {"evidence", "reference"}
    assert table.asked.count("deer/c.jpg") == 2  # once more before it is believed
    assert sorted(table.asked) == sorted([*new, "deer/c.jpg"])
    assert [estimate.calls for estimate in ears.estimates] == [1, 5]


def test_a_model_that_moved_is_not_paid_for_beyond_the_budget(tmp_path: Path, signer: Signer) -> None:
    cache = tmp_path / "answers"
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS), cache=cache)
    new = {key: answer("3.1", Deer=99) for key in (*ANSWERS, "deer/c.jpg")}
    bigger, table = Bucket("deer/a.jpg", "deer/b.jpg", "deer/c.jpg", *REFERENCES), Table(new)
    with pytest.raises(BudgetExceeded, match="needs 2 and 5 DetectLabels calls, the budget is 2"):
        run_plan(tmp_path / "q", signer, source(budget={"max_calls": 2}), bigger, table, cache=cache)
    assert table.asked == ["deer/c.jpg", "deer/c.jpg"]


def test_a_moved_model_that_costs_more_is_told_before_it_is_paid_even_if_only_references_cost_more(
    tmp_path: Path, signer: Signer
) -> None:
    cache, ears = tmp_path / "answers", Ears()
    run_plan(tmp_path / "p", signer, source(), Bucket(*REFERENCES), Table(ANSWERS), cache=cache)
    new = {key: answer("3.1", Deer=99) for key in (*REFERENCES, "deer/c.jpg")}
    run_plan(
        tmp_path / "q", signer, source(), Bucket("deer/c.jpg", *REFERENCES), Table(new), cache=cache, observer=ears
    )
    assert [estimate.calls for estimate in ears.estimates] == [1, 3]


def test_progress_counts_the_references_too(tmp_path: Path, signer: Signer) -> None:
    ears = Ears()
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS), observer=ears)
    assert (ears.states[0].done, ears.states[0].total) == (1, 5)
    assert (ears.states[-1].done, ears.states[-1].total) == (5, 5)


def test_an_object_answered_by_another_model_than_the_references_is_kept(tmp_path: Path, signer: Signer) -> None:
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS | {"deer/b.jpg": answer("4.0", Car=99)}))
    (found,) = (d for d in json.loads((tmp_path / "p").read_text())["decisions"] if d["key"] == "deer/b.jpg")
    assert (found["action"], found["reason"], found["error"]["code"]) == ("keep", "unreadable", "other-model")


def test_an_answer_that_is_none_keeps_the_object_and_is_asked_again_next_time(tmp_path: Path, signer: Signer) -> None:
    cache, odd = tmp_path / "answers", Unreadable("malformed-answer", "what came is no DetectLabels answer")
    run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS | {"deer/b.jpg": odd}), cache=cache)
    assert decisions(tmp_path / "p")["deer/b.jpg"] == ("keep", "unreadable")
    again = Table(ANSWERS)
    run_plan(tmp_path / "p", signer, source(), BUCKET, again, cache=cache)
    assert again.asked == ["deer/b.jpg"]


def test_a_sample_is_spread_over_each_prefix_and_never_applies(tmp_path: Path, signer: Signer) -> None:
    keys = [f"deer/{n:02}.jpg" for n in range(50)]
    table = Table({**REFERENCES, **dict.fromkeys(keys, answer(Deer=99))})
    planned = run_plan(tmp_path / "p", signer, source(), Bucket(*keys, *REFERENCES), table, scope=Scope(sample=5))
    assert planned.header.partial == planned.statement.predicate.partial == "a sample of 5 objects of each prefix"
    assert list(decisions(tmp_path / "p")) == [
        "deer/00.jpg",
        "deer/13.jpg",
        "deer/26.jpg",
        "deer/39.jpg",
        "deer/r3.jpg",
    ]
    assert len(table.asked) == 4 + 3


def test_one_rule_alone_is_planned_replayed_and_says_so(tmp_path: Path, signer: Signer) -> None:
    labels = {
        "deer": {"prefix": "deer/", "references": ["deer/r.jpg"]},
        "elk": {"prefix": "elk/", "references": ["elk/r.jpg", "deer/x.jpg"]},
    }
    table = Table(dict.fromkeys(("deer/r.jpg", "deer/1.jpg", "deer/x.jpg"), answer(Deer=99)))
    bucket = Bucket("deer/r.jpg", "deer/1.jpg", "deer/x.jpg", "elk/r.jpg", "elk/1.jpg")
    given = source(labels=labels, protect=["elk/**"])
    planned = run_plan(tmp_path / "p", signer, given, bucket, table, scope=Scope(("deer",)))
    assert decisions(tmp_path / "p") == {
        "deer/1.jpg": ("keep", "evidence"),
        "deer/r.jpg": ("keep", "reference"),
        "deer/x.jpg": ("keep", "reference"),  # of the other rule, and still one
    }
    assert sorted(table.asked) == ["deer/1.jpg", "deer/r.jpg"]
    with open_plan(tmp_path / "p") as plan:
        assert replay(planned.header, plan.decisions()) == 3


def test_an_estimate_pays_and_writes_nothing(tmp_path: Path, signer: Signer) -> None:
    cache, table = tmp_path / "answers", Table(ANSWERS)
    run_plan(tmp_path / "p", signer, source(protect=["deer/b*"]), BUCKET, Table(ANSWERS), cache=cache)
    with open_cache(cache) as kept:
        estimate = estimate_plan(source(), BUCKET.target(), BUCKET, table, kept, observer=Ears())
    assert estimate == Estimate(objects=6, calls=1, cached=4, paid=True, tps=None, tps_from="")
    assert table.asked == []


def test_a_reference_that_lies_elsewhere_with_the_same_content_is_one_call(tmp_path: Path, signer: Signer) -> None:
    bucket = Bucket("deer/a.jpg", "deer/r1.jpg")
    bucket.objects = {key: S3Object(key, "v", "0123456789abcdef" * 2, 10) for key in bucket.objects}
    labels = {"deer": {"prefix": "deer/", "references": ["deer/r1.jpg"]}}
    table, ears = Table(ANSWERS), Ears()
    run_plan(tmp_path / "p", signer, source(labels=labels), bucket, table, observer=ears)
    assert table.asked == ["deer/r1.jpg"]
    assert ears.estimates[0].calls == 1
    assert decisions(tmp_path / "p")["deer/a.jpg"] == ("keep", "evidence")


def test_an_answer_that_is_pruned_while_the_plan_is_written_is_pending_and_writes_nothing(
    tmp_path: Path, signer: Signer
) -> None:
    cache = tmp_path / "cache" / "answers"

    class Pruning(Ears):
        def labelling(self, state: Any) -> None:
            if state.done == state.total:
                with open_cache(cache) as kept:
                    kept.prune()

    with pytest.raises(AnswersPending, match=r"The answer for deer/a\.jpg is not in the cache any more"):
        run_plan(tmp_path / "p", signer, source(), BUCKET, Table(ANSWERS), cache=cache, observer=Pruning())
    assert not (tmp_path / "p").exists()


def test_a_cache_that_fails_while_the_cost_is_counted_stops_before_anything_is_paid(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CacheUnusable("the disk is gone")

    monkeypatch.setattr("labelplan.detect.cache.AnswerCache.models", fail)
    table = Table(ANSWERS)
    with pytest.raises(CacheUnusable):
        run_plan(tmp_path / "p", signer, source(), BUCKET, table)
    assert table.asked == []
    assert list(tmp_path.iterdir()) == []


def test_objects_are_not_compared_with_references_whose_model_has_no_name(tmp_path: Path, signer: Signer) -> None:
    nameless = {key: answer("", Deer=99) for key in REFERENCES}
    table = Table(ANSWERS | nameless | {"deer/a.jpg": answer("", Deer=99), "deer/b.jpg": answer("9.9", Car=99)})
    run_plan(tmp_path / "p", signer, source(), BUCKET, table)
    made = decisions(tmp_path / "p")
    assert (made["deer/a.jpg"], made["deer/b.jpg"]) == (("keep", "evidence"), ("keep", "unreadable"))


def test_a_service_of_two_minds_is_asked_twice_only_a_few_times(tmp_path: Path, signer: Signer) -> None:
    keys = [f"deer/{n:03}.jpg" for n in range(60)]
    table = Table({**REFERENCES, **dict.fromkeys(keys, answer("9.9", Deer=99))})
    run_plan(tmp_path / "p", signer, source(), Bucket(*keys, *REFERENCES), table)
    assert len(table.asked) <= 3 + 60 + IN_VAIN
    assert {reason for key, (_, reason) in decisions(tmp_path / "p").items() if key in keys} == {"unreadable"}


def test_a_plan_names_the_server_that_stood_in_for_rekognition(tmp_path: Path, signer: Signer) -> None:
    class AtAws(Table):
        identity = "rekognition"

    for table, named in ((Table(ANSWERS), "table"), (AtAws(ANSWERS), UNSET)):
        assert run_plan(tmp_path / "p", signer, source(), BUCKET, table).header.detector.identity == named
        with open_plan(tmp_path / "p") as plan:
            assert plan.header.detector.identity == named
