from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from labelplan.errors import KeyUnusable, UsageError
from labelplan.model.objects import Target
from labelplan.model.plan import Decision, Totals
from labelplan.model.response import Unreadable, strict_answer
from labelplan.planfile import writer as module
from labelplan.planfile.counts import POSSIBLE
from labelplan.planfile.newfile import NewFile
from labelplan.planfile.reader import open_plan
from labelplan.planfile.writer import PlanWriter
from tests.planfile.making import NOON, RULES, decision, header, summary, three, write

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.model.plan import Signature
    from labelplan.planfile.keys import Signer

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=1, max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
responses = json_values.map(lambda value: Raw(json.dumps(value, ensure_ascii=False).encode()))


@st.composite
def plans(draw: st.DrawFn) -> list[Decision]:
    made = []
    names = sorted(draw(st.sets(keys, max_size=8)))
    cows = draw(st.integers(0, len(names)))
    for position, key in enumerate(names):
        action, reason = draw(st.sampled_from(sorted(POSSIBLE)))
        made.append(
            Decision(
                key=key,
                version_id=draw(text),
                etag=draw(text),
                size=draw(st.integers(0, 2**53 - 1)),
                rule=RULES[position >= cows],
                action=action,
                reason=reason,
                labels=tuple(draw(st.lists(text, max_size=2))),
                error=draw(st.just(UNSET) | st.builds(Unreadable, text, text)),
                response=draw(st.just(UNSET) | responses),
            )
        )
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plans(), st.integers(1, 4))
def test_what_is_written_is_what_is_read(tmp_path: Path, alice: Signer, made: list[Decision], batch: int) -> None:
    path = tmp_path / "plan"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", batch)
        statement = write(path, made, alice)
    with open_plan(path) as plan:
        assert list(plan.decisions()) == made
        assert (plan.header, plan.summary, plan.statement) == (header(), summary(made), statement)
    assert [one["key"] for one in json.loads(path.read_bytes())["decisions"]] == [one.key for one in made]


def test_the_statement_says_how_much_and_for_what(tmp_path: Path, alice: Signer) -> None:
    predicate = write(tmp_path / "plan", three(), alice, "7" * 64).predicate
    assert predicate.totals == Totals(decisions=3, keep=2, delete=1, unreadable=1, delete_bytes=1234)
    assert predicate.bytes == (tmp_path / "plan").read_bytes().index(b'"statement":')
    assert (predicate.signers_sha256, predicate.author) == ("7" * 64, alice.keyid)
    assert (predicate.target, predicate.spec_sha256) == (header().target, header().spec_sha256)
    assert (predicate.created, predicate.expires) == (header().created, header().expires)


def test_batches_do_not_show_in_the_bytes(tmp_path: Path, alice: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [decision(f"{number:04d}") for number in range(300)]
    write(tmp_path / "one", made, alice)
    monkeypatch.setattr(module, "BATCH", 7)
    write(tmp_path / "two", made, alice)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_whole_number_in_the_place_of_a_fraction_is_written_as_one(tmp_path: Path, alice: Signer) -> None:
    whole = header().detector.__class__("rekognition", 50, 50, "3.0")
    write(tmp_path / "plan", three(), alice, detector=whole)
    with open_plan(tmp_path / "plan") as plan:
        assert plan.header.detector == header().detector


def test_a_header_that_no_reader_would_take_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="matching regex"):
        PlanWriter(tmp_path / "plan", header(spec_sha256="none"))
    with pytest.raises(ValueError, match="timezone"):
        PlanWriter(tmp_path / "plan", header(expires=NOON.replace(tzinfo=None)))


def test_a_statement_that_not_every_signer_could_sign_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"more than the 3,500"):
        PlanWriter(tmp_path / "plan", header(partial="rule deer, " * 300))


def test_the_longest_names_that_aws_allows_fit_into_the_statement(tmp_path: Path, alice: Signer) -> None:
    target = Target("https://" + "e" * 255, "1" * 12, "r" * 32, "b" * 63, "Suspended")
    write(tmp_path / "plan", three(), alice, target=target, partial="p" * 1024)


def test_decisions_out_of_order_are_refused_and_nothing_remains(tmp_path: Path, alice: Signer) -> None:
    with pytest.raises(ValueError, match="does not come after"):
        write(tmp_path / "plan", three()[::-1], alice)
    assert not list(tmp_path.iterdir())


def test_rules_that_alternate_are_refused_and_nothing_remains(tmp_path: Path, alice: Signer) -> None:
    made = [decision("a", rule="cow"), decision("b"), decision("c", rule="cow")]
    with pytest.raises(ValueError, match="of the rule 'cow' do not stand together"):
        write(tmp_path / "plan", made, alice)
    with pytest.raises(ValueError, match="not in the header's order"):
        write(tmp_path / "plan", [decision("a"), decision("b", rule="cow")], alice)
    assert not list(tmp_path.iterdir())


def test_a_spec_nested_too_deep_for_a_reader_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="recursion"):
        PlanWriter(tmp_path / "plan", header(spec=Raw(b"[" * 100_000 + b"]" * 100_000)))


def test_a_summary_that_does_not_agree_is_refused_and_nothing_remains(tmp_path: Path, alice: Signer) -> None:
    with PlanWriter(tmp_path / "plan", header()) as writer:
        writer.add(three()[0])
        with pytest.raises(ValueError, match="summary's counts"):
            writer.finish(summary(three()), alice, None)
    assert not list(tmp_path.iterdir())


def test_left_before_the_end_the_old_plan_is_still_there(tmp_path: Path, alice: Signer) -> None:
    statement = write(tmp_path / "plan", three(), alice)
    with PlanWriter(tmp_path / "plan", header()) as writer:
        writer.add(three()[0])
    with open_plan(tmp_path / "plan") as plan:
        assert plan.statement == statement
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


@pytest.mark.parametrize("answer", [b' {"Labels": []}', b'{"Labels":[]}\n', b'\t{"Labels":\r\n[]} '])
def test_an_answer_that_was_decoded_strictly_can_be_written(tmp_path: Path, alice: Signer, answer: bytes) -> None:
    made = [decision("a", response=Raw(strict_answer(answer).raw))]
    write(tmp_path / "plan", made, alice)
    with open_plan(tmp_path / "plan") as plan:
        assert list(plan.decisions()) == made


def test_if_even_the_header_cannot_be_written_nothing_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NewFile, "write", full)
    with pytest.raises(OSError, match="No space"), PlanWriter(tmp_path / "plan", header()):
        pass
    assert not list(tmp_path.iterdir())


class Locked:
    public = b""

    def __init__(self, keyid: str = "SHA256:locked") -> None:
        self.keyid = keyid

    def unlock(self) -> None: ...

    def sign(self, _: bytes) -> Signature:
        raise KeyUnusable("The token was pulled out.")


def test_if_signing_fails_the_complete_plan_stays_unsigned_and_the_error_says_where(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match=r"could not be signed: The token was pulled out\.") as raised:
        write(tmp_path / "plan", three(), Locked())
    assert f"labelplan sign {tmp_path}/plan.unsigned" in raised.value.advice
    with open_plan(tmp_path / "plan.unsigned") as plan:
        assert (list(plan.decisions()), plan.signatures) == (three(), ())
    assert [path.name for path in tmp_path.iterdir()] == ["plan.unsigned"]


def test_memory_does_not_grow_with_the_plan(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        with PlanWriter(tmp_path / "plan", header()) as writer:
            for number in range(count):
                writer.add(decision(f"{number:08d}"))
            _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(5000) < peak(500) + 100_000
