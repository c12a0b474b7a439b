from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import PlanCorrupt, UsageError
from labelplan.model.plan import Digest, Statement, Subject
from labelplan.planfile import layout, lines
from labelplan.planfile.counts import Counts
from labelplan.planfile.reader import MAX_SIGNATURES, open_plan
from tests.planfile.making import decision, header, summary, three, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labelplan.planfile.keys import Signer


def refusal(path: Path) -> str:
    with pytest.raises(PlanCorrupt) as raised, open_plan(path):
        pass
    return raised.value.what.removeprefix(f"{path}, ")


def resealed(path: Path, alice: Signer, change: Callable[[bytes], bytes], **stated: Any) -> Path:
    """Change the body of a plan, and state and sign that as if it were in order: the digest will not give it away."""
    content = path.read_bytes()
    at = content.index(layout.STATEMENT)
    statement = msgspec.json.decode(content[at + len(layout.STATEMENT) :].split(b",\n")[0], type=Statement)
    body = change(content[:at])
    assert body != content[:at] or stated
    predicate = msgspec.structs.replace(statement.predicate, **({"bytes": len(body)} | stated))
    subject = (Subject("plan", Digest(hashlib.sha256(body).hexdigest())),)
    encoded = layout.encode(msgspec.structs.replace(statement, subject=subject, predicate=predicate))
    signature = alice.sign(layout.signed_message(encoded))
    path.write_bytes(body + layout.tail(encoded, [signature]))
    return path


@pytest.fixture
def plan(tmp_path: Path, alice: Signer) -> Path:
    write(tmp_path / "plan", three(), alice)
    return tmp_path / "plan"


def test_an_open_plan_says_everything_about_itself(plan: Path, alice: Signer) -> None:
    content = plan.read_bytes()
    with open_plan(plan) as opened:
        assert (opened.header, opened.summary) == (header(), summary(three()))
        assert opened.sha256 == hashlib.sha256(content).hexdigest()
        assert opened.statement_bytes in content
        assert opened.statement_sha256 == hashlib.sha256(opened.statement_bytes).hexdigest()
        assert [signature.keyid for signature in opened.signatures] == [alice.keyid]
        assert opened.counts["deer"]["delete", "no-evidence"] == 1
        assert opened.file.read() == content
        assert list(opened.decisions()) == list(opened.decisions()) == three()


def test_a_plan_of_many_blocks_is_read_to_the_end(tmp_path: Path, alice: Signer) -> None:
    made = [decision(f"{number:06d}") for number in range(3 * lines.BLOCK // 300)]
    write(tmp_path / "plan", made, alice)
    with open_plan(tmp_path / "plan") as opened:
        assert len(opened._blocks) > 2
        assert list(opened.decisions()) == made


def test_a_plan_without_decisions_is_a_plan(tmp_path: Path, alice: Signer) -> None:
    write(tmp_path / "plan", [], alice)
    with open_plan(tmp_path / "plan") as opened:
        assert (list(opened.decisions()), opened.counts) == ([], {})


def test_a_file_that_cannot_be_a_plan_is_a_usage_error(tmp_path: Path, plan: Path) -> None:
    (tmp_path / "link").symlink_to(plan)
    os.mkfifo(tmp_path / "pipe")
    for name, why in {
        "none": "No such file",
        "link": "symbolic link; name the plan itself",
        "pipe": "not a regular file",
        ".": "Is a directory",
    }.items():
        with pytest.raises(UsageError, match=why), open_plan(tmp_path / name):
            pass


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"],\n", b"x\n" * 200, b"]}\n" * 3])
def test_what_is_no_plan_at_all_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan").write_bytes(content)
    assert refusal(tmp_path / "plan").startswith("last lines: ")


def test_a_body_that_does_not_begin_as_a_plan_is_refused(plan: Path, alice: Signer) -> None:
    resealed(plan, alice, lambda body: body.replace(b"plan/1", b"plan/2"))
    assert refusal(plan) == "first lines: this is not a plan of format 1."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"nonce":"', b'"nonce": "'),
        (b'"decisions":[\n', b'"decisions":[ \n'),
        (b'"tool"', b'"tool":"x","tool"'),
        (b'"version":1', b'"version":"\xff"'),
        (b"12:00:00Z", b"12:00:00+00:00"),
    ],
)
def test_a_signed_header_in_another_spelling_is_refused(plan: Path, alice: Signer, old: bytes, new: bytes) -> None:
    resealed(plan, alice, lambda body: body.replace(old, new, 1))
    assert refusal(plan).startswith("first lines: ")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"key":"a/2.jpg"', b'"key": "a/2.jpg"', "line 5, "),
        (b'"key":"a/2.jpg"', b'"key":"a/1.jpg"', "line 5, "),
        (b'"key":"a/2.jpg"', b'"key":"a/4.jpg"', "line 6, "),
        (b'"action":"delete"', b'"action":"keep","action":"delete"', "line 5, "),
        (b',\n{"key":"a/3.txt"', b',{"key":"a/3.txt"', "line 5, "),
        (b',\n{"key":"a/3.txt"', b'\n{"key":"a/3.txt"', "line 5, "),
        (b',\n{"key":"a/3.txt"', b',\r\n{"key":"a/3.txt"', "line 5, "),
        (b"}}\n],\n", b"}},\n],\n", "line 6, "),
        (b"}}\n],\n", b"}} \n],\n", "line 6, "),
        (b'"LabelModelVersion":"3.0"}},\n{"key":"a/2', b'"LabelModelVersion":\n"3.0"}},\n{"key":"a/2', "line 4, "),
        (b'"Name":"Deer","Confidence":97.53200531005859}],"LabelModelVersion":"3.0"}},\n{"key":"a/3',
         b'"Name":"\xff"}]}},\n{"key":"a/3', "line 5, "),
        (b'"text"', b'"te\\u0078t"', "line 6, "),
    ],
)  # fmt: skip
def test_a_signed_decision_that_is_not_in_its_only_layout_is_refused_with_its_line(
    plan: Path, alice: Signer, old: bytes, new: bytes, where: str
) -> None:
    resealed(plan, alice, lambda body: body.replace(old, new, 1))
    assert refusal(plan).startswith(where)


def test_the_byte_of_a_damaged_line_is_named(plan: Path, alice: Signer) -> None:
    at = plan.read_bytes().index(b'{"key":"a/2')
    resealed(plan, alice, lambda body: body.replace(b'"key":"a/2', b'"Key":"a/2'))
    assert refusal(plan).startswith(f"line 5, byte {at:,}: ")


def test_a_signed_plan_whose_rules_alternate_is_refused_with_the_line(
    tmp_path: Path, alice: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [decision("a", rule="cow"), decision("b"), decision("c", rule="cow"), decision("d", rule="cow")]
    with monkeypatch.context() as patch:
        patch.setattr(Counts, "_begun", lambda *_: [])
        patch.setattr(Counts, "check", lambda *_: None)
        write(tmp_path / "plan", made, alice)
    assert refusal(tmp_path / "plan").startswith("line 6, byte ")
    assert "the rule 'cow' do not stand together" in refusal(tmp_path / "plan")


def test_a_signed_plan_whose_rules_are_not_in_the_headers_order_is_refused(plan: Path, alice: Signer) -> None:
    resealed(plan, alice, lambda body: body.replace(b'"rule":"deer"', b'"rule":"cow"', 2))
    assert "the summary's counts" in refusal(plan)
    swap = {b'"name":"cow"': b'"name":"deer"', b'"name":"deer"': b'"name":"cow"'}
    resealed(plan, alice, lambda body: re.sub(b'"name":"(cow|deer)"', lambda found: swap[found[0]], body))
    assert "the decisions' rules are not in the header's order" in refusal(plan)


@pytest.mark.parametrize("deep", [b"[" * 100_000 + b"]" * 100_000, b'{"x":' * 100_000 + b"1" + b"}" * 100_000])
def test_what_is_nested_too_deep_is_refused(plan: Path, alice: Signer, deep: bytes) -> None:
    content = plan.read_bytes()
    resealed(plan, alice, lambda body: body.replace(b'"response":{"Labels"', b'"response":{"x":' + deep + b',"Labels"'))
    assert "recursion" in refusal(plan)
    plan.write_bytes(content)
    resealed(plan, alice, lambda body: body.replace(b'"spec":{', b'"spec":{"x":' + deep + b","))
    assert refusal(plan).startswith("first lines: ")


def test_a_signed_plan_whose_summary_is_about_something_else_is_refused(plan: Path, alice: Signer) -> None:
    resealed(plan, alice, lambda body: body.replace(b'"delete no-evidence":1', b'"delete no-evidence":2'))
    assert "the summary's counts of 'deer'" in refusal(plan)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"bytes": 1}, "digest"),
        ({"partial": "sample"}, "differs from the header"),
        ({"spec_sha256": "0" * 64}, "differs from the header"),
        ({"expires": header().created}, "differs from the header"),
    ],
)
def test_a_signed_statement_that_does_not_agree_with_the_file_is_refused(
    plan: Path, alice: Signer, stated: dict[str, Any], why: str
) -> None:
    resealed(plan, alice, lambda body: body, **stated)
    assert why in refusal(plan)


def test_a_signed_statement_with_other_totals_is_refused(plan: Path, alice: Signer) -> None:
    with open_plan(plan) as opened:
        totals = msgspec.structs.replace(opened.statement.predicate.totals, delete=0, keep=3)
    resealed(plan, alice, lambda body: body, totals=totals)
    assert "totals are not those" in refusal(plan)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"statement":{', b'"statement": {'),
        (b'"_type":', b'"_type" :'),
        (b'"signatures":[\n', b'"signatures":[ \n'),
        (b'"scheme":"sshsig"', b'"scheme":"dsse"'),
        (b'"}\n]}\n', b'"},\n]}\n'),
        (b'"}\n]}\n', b'"}\n\n]}\n'),
        (b'"}\n]}\n', b'"}\n]}\n\n'),
        (b'"}\n]}\n', b'"}\n]}'),
        (b'"}\n]}\n', b'"}\r\n]}\n'),
    ],
)
def test_a_tail_in_another_spelling_is_refused(plan: Path, old: bytes, new: bytes) -> None:
    content = plan.read_bytes()
    assert old in content
    plan.write_bytes(content.replace(old, new))
    assert refusal(plan).startswith("last lines: ")


def test_more_signatures_than_anybody_needs_are_refused(plan: Path) -> None:
    with open_plan(plan) as opened:
        tail = layout.tail(opened.statement_bytes, opened.signatures)
        long = layout.tail(opened.statement_bytes, opened.signatures * (MAX_SIGNATURES + 1))
    plan.write_bytes(plan.read_bytes().replace(tail, long))
    assert "not the end of a plan" in refusal(plan)


def test_a_plan_cut_anywhere_is_refused(plan: Path) -> None:
    content = plan.read_bytes()
    for length in range(0, len(content), 7):
        plan.write_bytes(content[:length])
        assert refusal(plan)


def test_a_file_that_changes_after_it_was_checked_gives_no_decision(plan: Path) -> None:
    with open_plan(plan) as opened:
        with plan.open("r+b") as file:
            file.seek(plan.read_bytes().index(b'"action":"delete"') + 10)
            file.write(b"DELETE")
        with pytest.raises(PlanCorrupt, match="changed after it was checked"):
            next(opened.decisions())


def test_a_file_that_is_cut_after_it_was_checked_gives_no_decision(plan: Path) -> None:
    with open_plan(plan) as opened:
        os.truncate(plan, 100)
        with pytest.raises(PlanCorrupt, match="changed after it was checked"):
            next(opened.decisions())


def test_a_file_that_is_replaced_after_it_was_checked_is_read_as_it_was(plan: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")
    with open_plan(plan) as opened:
        (tmp_path / "other").replace(plan)
        assert list(opened.decisions()) == three()


def test_a_file_that_shrinks_while_it_is_checked_is_refused(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *a: b"" if a[1] < lines.BLOCK and a[2] > 700 else real(*a))
    assert refusal(plan)
