from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.detect.cache import open_cache
from labelplan.detect.content import content_of, kind_of
from labelplan.detect.wanted import Wanted
from labelplan.errors import AnswersPending, AwsRefused, BudgetExceeded, DetectorFailed
from labelplan.flow import answers as answering
from labelplan.flow.answers import Answers
from labelplan.flow.pay import AT_FIRST, COPIES, IN_A_ROW, pay
from labelplan.model.objects import S3Object
from labelplan.model.response import MALFORMED, NO_ACCESS, Answered, Unreadable
from tests.flow.making import Bucket, Ears, Table, answer, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.model.objects import Image
    from labelplan.model.response import Answer

SETTINGS = source().spec.detector
TARGET = Bucket().target()
DEER = answer(Deer=99)
MD5 = "0123456789abcdef0123456789abcde"


def item(name: str, etag: str = "") -> S3Object:
    return S3Object(name, "v", etag or f"e-{name}", 7)


@contextmanager
def paying(path: Path, table: Table, *items: S3Object) -> Iterator[tuple[Wanted, Answers]]:
    with open_cache(path / "answers") as cache, Wanted() as wanted:
        answers = Answers(cache, table, SETTINGS, TARGET, Bucket())
        wanted.add((answers.content(one), one) for one in items)
        yield wanted, answers


def run(path: Path, table: Table, *items: S3Object, model: str = "3.0", settled: bool = False) -> str:
    with paying(path, table, *items) as (wanted, answers):
        return pay(wanted, answers, model, Ears(), settled=settled)


def kept(path: Path, *items: S3Object) -> set[str]:
    with open_cache(path / "answers") as cache:
        kind = kind_of("table", SETTINGS)
        found = cache.find(kind, [content_of(one, TARGET) for one in items])
        return {one.key for one in items if content_of(one, TARGET) in found}


def test_every_content_is_asked_about_once_and_kept(tmp_path: Path) -> None:
    items = [item(f"{n:03}", f"{MD5}{n % 10}") for n in range(100)]
    table = Table(dict.fromkeys((one.key for one in items), DEER))
    assert run(tmp_path, table, *items) == ""
    assert len(table.asked) == 10
    assert len(kept(tmp_path, *items)) == 100


def test_as_many_as_the_detector_likes_are_asked_at_once_after_the_first(tmp_path: Path) -> None:
    class Together(Table):
        concurrency = 4
        barrier = threading.Barrier(4, timeout=10)

        def detect(self, image: Image) -> Answer:
            if image.key != "0":  # type: ignore[union-attr]  # they are all objects
                self.barrier.wait()
            return super().detect(image)

    items = [item(str(n)) for n in range(9)]
    table = Together(dict.fromkeys("012345678", DEER))
    run(tmp_path, table, *items)
    assert table.asked[0] == "0"
    assert sorted(table.asked) == list("012345678")


def test_a_missing_permission_is_met_once_not_by_every_thread(tmp_path: Path) -> None:
    table = Table({str(n): AwsRefused("Rekognition said AccessDeniedException") for n in range(9)})
    with pytest.raises(AwsRefused):
        run(tmp_path, table, *(item(str(n)) for n in range(9)))
    assert table.asked == ["0"]
    assert table.stopped


def test_when_the_budget_ends_nothing_more_is_begun_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    class Spent(Table):
        concurrency = 1

    items = [item(f"{n:02}") for n in range(40)]
    table = Spent({one.key: DEER if one.key < "05" else BudgetExceeded("spent") for one in items})
    with pytest.raises(BudgetExceeded):
        run(tmp_path, table, *items)
    assert kept(tmp_path, *items) == {"00", "01", "02", "03", "04"}
    assert len(table.asked) <= 5 + 2


def test_images_that_stay_without_an_answer_are_pending_once_all_others_have_theirs(tmp_path: Path) -> None:
    items = [item(f"{n:02}") for n in range(12)]
    answers: dict[str, Any] = {one.key: DEER for one in items}
    answers["03"] = answers["07"] = AnswersPending("Rekognition said Slow down")
    with pytest.raises(AnswersPending, match=r"2 of 12 images have no answer yet. The last one: .*Slow down"):
        run(tmp_path, Table(answers), *items)
    assert kept(tmp_path, *items) == {one.key for one in items} - {"03", "07"}


def test_a_service_that_answers_nobody_is_left_alone_soon(tmp_path: Path) -> None:
    items = [item(f"{n:04}") for n in range(1000)]
    down: dict[str, Any] = dict.fromkeys((one.key for one in items), AnswersPending("down"))
    table = Table(down | {"0000": DEER})
    with pytest.raises(AnswersPending, match=r"999 of 1,000"):
        run(tmp_path, table, *items)
    assert len(table.asked) <= 1 + IN_A_ROW + table.concurrency


def test_a_service_that_may_read_nothing_is_not_asked_about_everything(tmp_path: Path) -> None:
    items = [item(f"{n:04}") for n in range(1000)]
    table = Table(dict.fromkeys((one.key for one in items), Unreadable(NO_ACCESS, "Unable to get object metadata")))
    with pytest.raises(AwsRefused, match=f"none of the first {IN_A_ROW}"):
        run(tmp_path, table, *items)
    assert len(table.asked) <= IN_A_ROW + table.concurrency


def test_an_object_that_may_not_be_read_leaves_the_next_one_with_its_content_a_chance(tmp_path: Path) -> None:
    one, other, third = (item(name, f"{MD5}1") for name in "abc")
    table = Table({"a": Unreadable(NO_ACCESS, "no"), "b": DEER, "c": DEER})
    with paying(tmp_path, table, one, other, third) as (wanted, answers):
        pay(wanted, answers, "3.0", Ears(), settled=True)
        assert wanted.failures([answers.content(one)]) == {}
    assert table.asked == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "tried"), [(NO_ACCESS, COPIES), ("changed", COPIES), ("malformed-answer", 1)], ids=str
)
def test_many_copies_of_what_gets_no_answer_are_not_all_tried(tmp_path: Path, code: str, tried: int) -> None:
    items = [item(f"{n:03}", f"{MD5}1") for n in range(200)]
    no = Unreadable(code, "no")
    table = Table(dict.fromkeys((one.key for one in items), no))
    with paying(tmp_path, table, *items) as (wanted, answers):
        pay(wanted, answers, "3.0", Ears(), settled=True)
        assert wanted.failures([answers.content(items[7])]) == {answers.content(items[7]): no}
    assert len(table.asked) == tried


def test_the_copies_of_what_is_answered_are_not_even_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: object) -> None:
        pytest.fail("nobody needs them")

    monkeypatch.setattr(Wanted, "others", look)
    assert run(tmp_path, Table({"a": DEER}), item("a")) == ""


def test_a_service_that_answers_nobody_at_first_is_given_up_after_a_few(tmp_path: Path) -> None:
    items = [item(f"{n:04}") for n in range(1000)]
    table = Table(dict.fromkeys((one.key for one in items), AnswersPending("down")))
    with pytest.raises(AnswersPending, match=r"1,000 of 1,000"):
        run(tmp_path, table, *items)
    assert len(table.asked) == AT_FIRST


def test_a_suspended_process_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelplan.flow.answers.POLL_S", 0)
    monkeypatch.setattr("labelplan.flow.pay.PATIENCE_S", 0)
    table, one, ears = Table({"a": DEER}), item("b"), Ears()
    with open_cache(tmp_path / "answers") as theirs, paying(tmp_path, table, item("a"), one) as (wanted, answers):
        assert theirs.claim(kind_of("table", SETTINGS), content_of(one, TARGET), "") == "mine"
        with pytest.raises(AnswersPending, match=r"1 of 2 images .* perhaps it is suspended"):
            pay(wanted, answers, "3.0", ears, settled=True)
    assert table.asked == ["a"]


def test_what_others_are_asking_about_does_not_keep_the_rest_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Together(Table):
        concurrency = 3
        barrier = threading.Barrier(2, timeout=10)

        def detect(self, image: Image) -> Answer:
            self.barrier.wait()
            return super().detect(image)

    one, table, ears = item("0"), Together({"1": DEER, "2": DEER}), Ears()
    kind, content = kind_of("table", SETTINGS), content_of(one, TARGET)
    with open_cache(tmp_path / "answers") as theirs, paying(tmp_path, table, one, item("1"), item("2")) as found:
        assert theirs.claim(kind, content, "") == "mine"
        pauses: list[None] = []

        def pause(_self: Answers) -> None:
            pauses.append(None)
            if len(pauses) == 2:
                theirs.keep(kind, content, DEER)

        monkeypatch.setattr(Answers, "pause", pause)
        pay(*found, "3.0", ears, settled=True)
    assert sorted(table.asked) == ["1", "2"]  # both at once, although nothing was answered before
    assert any(state.elsewhere for state in ears.states) or len(pauses) >= 2


def test_a_refused_content_is_not_asked_about_under_another_key(tmp_path: Path) -> None:
    table = Table({"a": Unreadable("invalid-image", "no picture"), "b": DEER})
    run(tmp_path, table, item("a", f"{MD5}1"), item("b", f"{MD5}1"))
    assert table.asked == ["a"]


def test_a_service_that_has_moved_to_another_model_is_noticed_at_the_first_answer(tmp_path: Path) -> None:
    table = Table({str(n): answer("3.1", Deer=99) for n in range(9)})
    assert run(tmp_path, table, *(item(str(n)) for n in range(9)), model="3.0") == "3.1"
    assert table.asked == ["0", "0"]  # asked once more, in case the service was of two minds


def test_right_after_the_references_another_model_is_no_news(tmp_path: Path) -> None:
    table = Table({str(n): answer("3.1", Deer=99) for n in range(3)})
    assert run(tmp_path, table, *(item(str(n)) for n in range(3)), model="3.0", settled=True) == ""
    assert sorted(table.asked) == ["0", "0", "1", "1", "2", "2"]


def test_an_answer_of_another_model_is_asked_again_and_the_second_one_is_kept(tmp_path: Path) -> None:
    table = Table({"a": [answer("3.1", Deer=99), DEER]})
    assert run(tmp_path, table, item("a")) == ""
    with open_cache(tmp_path / "answers") as cache:
        (found,) = cache.find(kind_of("table", SETTINGS), [content_of(item("a"), TARGET)]).values()
    assert isinstance(found, Answered)
    assert found.response.LabelModelVersion == "3.0"


def test_without_references_every_model_will_do(tmp_path: Path) -> None:
    table = Table({"a": answer("4.0", Deer=99)})
    assert run(tmp_path, table, item("a"), model="") == ""
    assert table.asked == ["a"]


def test_what_another_process_is_asking_about_is_waited_for_and_not_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, one = Table({"a": DEER, "b": DEER}), item("b")
    kind, content = kind_of("table", SETTINGS), content_of(one, TARGET)
    with open_cache(tmp_path / "answers") as theirs, paying(tmp_path, table, item("a"), one) as (wanted, answers):
        assert theirs.claim(kind, content, "") == "mine"
        waits: list[None] = []

        def nap(_self: Answers) -> None:
            waits.append(None)
            if len(waits) == 3:
                theirs.keep(kind, content, DEER)

        monkeypatch.setattr(Answers, "pause", nap)
        assert pay(wanted, answers, "3.0", Ears(), settled=True) == ""
    assert table.asked == ["a"]
    assert len(waits) == 3


def test_what_another_process_gave_up_is_asked_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, one = Table({"b": DEER}), item("b")
    kind, content = kind_of("table", SETTINGS), content_of(one, TARGET)
    with open_cache(tmp_path / "answers") as theirs, paying(tmp_path, table, one) as (wanted, answers):
        assert theirs.claim(kind, content, "") == "mine"
        monkeypatch.setattr(Answers, "pause", lambda _: theirs.release(kind, content))
        pay(wanted, answers, "3.0", Ears(), settled=True)
    assert table.asked == ["b"]


def test_a_reference_that_another_process_is_asking_about_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, one = Table({}), item("b")
    kind, content = kind_of("table", SETTINGS), content_of(one, TARGET)
    with open_cache(tmp_path / "answers") as theirs, paying(tmp_path, table) as (_, answers):
        assert theirs.claim(kind, content, "") == "mine"
        monkeypatch.setattr(Answers, "pause", lambda _: theirs.keep(kind, content, DEER))
        got = answers.wait(one, "")
        assert isinstance(got, Answered)
        monkeypatch.setattr(answering, "PATIENCE_S", 0)
        with pytest.raises(AnswersPending, match="for minutes"):
            answers.wait(one, "")


def test_an_interrupt_ends_it_and_keeps_what_is_under_way(tmp_path: Path) -> None:
    class Interrupting(Ears):
        def labelling(self, state: Any) -> None:
            if state.done >= 1:
                raise KeyboardInterrupt

    items = [item(f"{n:03}") for n in range(200)]
    table = Table(dict.fromkeys((one.key for one in items), DEER))
    with paying(tmp_path, table, *items) as (wanted, answers), pytest.raises(KeyboardInterrupt):
        pay(wanted, answers, "3.0", Interrupting(), settled=True)
    assert table.stopped
    assert kept(tmp_path, *items) == set(table.asked)
    assert len(table.asked) < 200


def test_the_observer_hears_how_far_it_is_and_how_far_it_got(tmp_path: Path) -> None:
    ears = Ears()
    table = Table({"a": DEER, "b": DEER})
    with paying(tmp_path, table, item("a"), item("b")) as (wanted, answers):
        pay(wanted, answers, "3.0", ears, settled=True)
    last = ears.states[-1]
    assert (last.done, last.total, last.pending, last.traffic.calls) == (2, 2, 0, 2)


def test_a_service_whose_answers_are_none_is_not_asked_about_everything(tmp_path: Path) -> None:
    items = [item(f"{n:04}") for n in range(1000)]
    odd = Unreadable(MALFORMED, "what came is no DetectLabels answer: <html>")
    with pytest.raises(DetectorFailed, match=f"None of the first {IN_A_ROW} answers can be used; .*<html>"):
        run(tmp_path, table := Table(dict.fromkeys((one.key for one in items), odd)), *items)
    assert len(table.asked) <= IN_A_ROW + table.concurrency
