from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET, Raw

from labelplan.errors import PlanCorrupt
from labelplan.model.objects import Target
from labelplan.model.plan import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    AcceptedLabel,
    AcceptedShare,
    Decision,
    DetectorRecord,
    Digest,
    Header,
    Predicate,
    ReferenceRecord,
    RuleHeader,
    RuleSummary,
    Signature,
    Statement,
    Subject,
    Summary,
    Totals,
    Warn,
)
from labelplan.model.response import Unreadable
from labelplan.view.plan_json import decision_rows, plan_head
from labelplan.view.plan_text import plan_lines, totals_line
from labelplan.view.style import Style, printable

if TYPE_CHECKING:
    from typing import Any

    from syrupy.assertion import SnapshotAssertion

    from labelplan.model.plan import Action, Reason

CREATED = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC)
EXPIRES = dt.datetime(2026, 11, 29, 14, 5, tzinfo=dt.UTC)
ZERO = "0" * 64
PLAIN = Style(colour=False)
TYPED = {"action", "reason", "counts", "service", "versioning", "created", "expires"}  # no other text gets this far


def head(
    *, versioning: Any = "Enabled", endpoint: str = "", signatures: int = 1, spec: bytes = b"{}"
) -> dict[str, Any]:
    target = Target(endpoint, "123456789012", "us-east-1", "wild", versioning)
    accepted = (
        AcceptedLabel("Deer", 85, ("deer/r1.jpg", "deer/r2.jpg"), (99.1, 97.0)),
        AcceptedLabel("Elk", 70, (), ()),
    )
    references = (
        ReferenceRecord("etag:1", key="deer/r1.jpg"),
        ReferenceRecord("etag:2", key="deer/r2.jpg"),
        ReferenceRecord("sha256:3", file="./r3.jpg"),
    )
    many = tuple(AcceptedLabel(f"Fish {n}", 85, ("fish/r.jpg",), (99.0 - n,)) for n in range(10))
    header = Header(
        tool="labelplan/0.1.0",
        target=target,
        spec=Raw(spec),
        spec_sha256=ZERO,
        detector=DetectorRecord("rekognition", 50, 50, "3.0"),
        rules=(
            RuleHeader("deer", accepted, references),
            RuleHeader("fish", many, (ReferenceRecord("etag:4", key="fish/r.jpg"),)),
        ),
        created=CREATED,
        expires=EXPIRES,
        nonce="n",
    )
    warning = Warn("common-label", "deer: Elk accepts 60 % of the bucket", "ignore: [Elk]")
    cut = Warn("cut-reference", "deer: the answer was cut", "detector: {max_labels: 200}")
    plain = Warn("few-references", "deer: few references", "")
    summary = Summary(
        (
            RuleSummary(
                "deer",
                {"delete no-evidence": 2, "keep evidence": 1},
                (AcceptedShare("Deer", 60, 10), AcceptedShare("Elk", 0, None)),
                (warning, cut, plain),
            ),
            RuleSummary("fish", {}, tuple(AcceptedShare(a.label, None, None) for a in many), ()),
        )
    )
    predicate = Predicate(Totals(1234, 1230, 4, 2, 10), 1, target, ZERO, None, "SHA256:abc", CREATED, EXPIRES, "")
    statement = Statement(STATEMENT_TYPE, (Subject("plan", Digest(ZERO)),), PREDICATE_TYPE, predicate)
    signed = [Signature("SHA256:abc", "sshsig", "x")] * signatures
    return plan_head(header, summary, statement, ZERO, signed)


def decision(key: str, action: Action, reason: Reason, *labels: str, shown: str = "", **other: Any) -> Decision:
    answer = {"Labels": [{"Name": name, "Confidence": 90.04} for name in shown.split()], "LabelModelVersion": "3.0"}
    response = Raw(json.dumps(answer).encode()) if shown or reason == "no-evidence" else UNSET
    return Decision(key, "v", "e", 1, other.pop("rule", "deer"), action, reason, labels, response=response, **other)


DECISIONS = [
    decision("deer/1.jpg", "delete", "no-evidence", shown="Car Road Sky Tree Wheel Window"),
    decision("deer/2.jpg", "delete", "excluded", "Person", shown="Person Deer"),
    decision("deer/3.jpg", "keep", "evidence", "Deer", shown="Deer"),
    decision("deer/4.txt", "keep", "unreadable", error=Unreadable("invalid-image", "not a picture")),
    decision("deer/5.jpg", "keep", "reference"),
    decision("deer/line\nfeed\x1b[31m", "delete", "no-evidence"),
    decision("fish/1.jpg", "delete", "pinned", rule="fish"),
]


def text(*, most: int | None = None, colour: bool = False, **changes: Any) -> str:
    return "\n".join(plan_lines(head(**changes), decision_rows(DECISIONS), Style(colour), most=most))


def test_a_plan_reads_like_this(snapshot: SnapshotAssertion) -> None:
    assert text() == snapshot


def test_a_plan_in_colour_reads_like_this(snapshot: SnapshotAssertion) -> None:
    assert text(colour=True) == snapshot


def test_a_plan_as_json_looks_like_this(snapshot: SnapshotAssertion) -> None:
    view = head() | {"decisions": list(decision_rows(DECISIONS))}
    assert json.dumps(view, indent=1) == snapshot


def test_more_rows_than_wanted_are_counted_each_kind_for_itself() -> None:
    unreadable = [decision(f"deer/9{n}", "keep", "unreadable", error=Unreadable("c", "m")) for n in range(5)]
    lines = list(plan_lines(head(), decision_rows([*DECISIONS[:2], *unreadable]), PLAIN, most=2))
    assert "    … and 3 more unreadable ones (all of them: --json)" in lines
    assert not any("--deletes" in line for line in lines)
    assert [line.split()[1] for line in lines if "unreadable: c" in line] == ["deer/90", "deer/91"]
    lines = list(plan_lines(head(), decision_rows([*DECISIONS[:2], *unreadable]), PLAIN, most=1))
    assert "    … and 1 more deletes (all of them: --deletes)" in lines


def test_a_row_whose_rule_is_out_of_its_place_is_shown_all_the_same() -> None:
    rules = ["deer", "fish", "deer", "fish", "goat"]
    rows = [decision(f"{n}.jpg", "delete", "pinned", rule=rule) for n, rule in enumerate(rules)]
    shown = "\n".join(plan_lines(head(), decision_rows(rows), PLAIN, most=None))
    assert [key for key in ("0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg") if f"- delete  {key}" in shown] == [
        row.key for row in rows
    ]
    assert shown.count("Warning: out of its place, under the label rule ") == 3


def test_nothing_in_a_plan_can_move_the_cursor() -> None:
    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: value[key] if key in TYPED else spoilt(value[key]) for key in value}
        if isinstance(value, list | tuple):
            return [spoilt(one) for one in value]
        return f"{value}\x1b[2K\u202e" if isinstance(value, str) else value

    view = spoilt(head(endpoint="http://e", versioning="Suspended") | {"partial": "p"})
    shown = "\n".join(plan_lines(view, map(spoilt, decision_rows(DECISIONS)), PLAIN, most=None))
    assert "\\u001b" in shown
    assert "".join(shown.splitlines()).isprintable()


def test_an_answer_that_is_none_is_a_damaged_plan() -> None:
    with pytest.raises(PlanCorrupt, match="'deer/1': its answer in the plan cannot be read"):
        list(decision_rows([Decision("deer/1", "v", "e", 1, "deer", "delete", "no-evidence", response=Raw(b"1"))]))


def test_an_unversioned_bucket_is_pointed_out() -> None:
    assert "versioning was Suspended: nothing could be brought back" in text(versioning="Suspended")
    copies = b'{"bucket":"wild","backup":{"mode":"copy","bucket":"other"}}'
    assert "versioning" not in text(versioning="Suspended", spec=copies)
    assert head(spec=copies)["backup"] == "copy"


@pytest.mark.parametrize("spec", [b"[]", b'{"backup":{"mode":"none"}}', b'{"backup":' * 9999 + b"1" + b"}" * 9999])
def test_a_spec_that_is_none_is_a_damaged_plan(spec: bytes) -> None:
    with pytest.raises(PlanCorrupt, match="The spec in the plan cannot be read"):
        head(spec=spec)


def test_an_endpoint_that_is_not_awss_is_named_and_a_missing_signature_too() -> None:
    shown = text(endpoint="http://127.0.0.1:9", signatures=0)
    assert "at http://127.0.0.1:9" in shown
    assert "signed by nobody" in shown


def test_keep_and_unreadable_are_counted_apart() -> None:
    assert totals_line({"delete": 13, "keep": 1045, "unreadable": 45}) == (
        "Plan: 13 to delete, 1,000 to keep, 45 unreadable."
    )


def test_a_key_cannot_move_the_cursor_or_run_backwards() -> None:
    assert printable("a\x1b[2Jb\u202ec\n") == '"a\\u001b[2Jb\\u202ec\\n"'
    assert printable("images/鹿 1.jpg") == "images/鹿 1.jpg"
