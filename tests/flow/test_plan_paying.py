"""What a plan asks about, pays and tells, with answers kept from before, other models, parts and budgets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET

from labelplan.detect.cache import open_cache
from labelplan.errors import AnswersPending, BudgetExceeded, CacheUnusable
from labelplan.flow.answers import IN_VAIN
from labelplan.flow.observe import Estimate
from labelplan.flow.plan import estimate_plan
from labelplan.flow.recheck import replay
from labelplan.flow.scope import Scope
from labelplan.model.objects import S3Object
from labelplan.model.response import Unreadable
from labelplan.planfile.reader import open_plan
from tests.flow.making import ANSWERS, BUCKET, REFERENCES, Bucket, Ears, Table, answer, decisions, run_plan, source

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer


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
