"""Plans as small or as odd as a test wants them, with the summary and counts that belong to them."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from labelplan.model.objects import Target
from labelplan.model.plan import (
    AcceptedLabel,
    Decision,
    DetectorRecord,
    Header,
    ReferenceRecord,
    RuleHeader,
    RuleSummary,
    Summary,
)
from labelplan.model.response import Unreadable
from labelplan.planfile.writer import PlanWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from labelplan.model.plan import Statement
    from labelplan.planfile.keys import Signer

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DEER = b'{"Labels":[{"Name":"Deer","Confidence":97.53200531005859}],"LabelModelVersion":"3.0"}'
RULES = ("cow", "deer")


def header(**changes: Any) -> Header:
    accepted = AcceptedLabel("Deer", 85.0, ("a/1.jpg",), (97.53200531005859,))
    reference = ReferenceRecord("etag:9b2c", key="a/1.jpg", response=Raw(DEER))
    values: dict[str, Any] = {
        "tool": "labelplan/0",
        "target": Target("", "123456789012", "us-east-1", "wildlife-training", "Enabled"),
        "spec": Raw(b'{"version":1,"bucket":"wildlife-training"}'),
        "spec_sha256": "5" * 64,
        "detector": DetectorRecord("rekognition", 50, 50.0, "3.0"),
        "rules": tuple(RuleHeader(name, (accepted,), (reference,)) for name in RULES),
        "created": NOON,
        "expires": NOON + dt.timedelta(days=7),
        "nonce": "0123456789abcdef",
    }
    return Header(**(values | changes))


def decision(key: str, **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "key": key,
        "version_id": "3sL4kqtJlcpXroDTDmJ",
        "etag": "9b2cf535f27731c974343645a3985328",
        "size": 1234,
        "rule": "deer",
        "action": "keep",
        "reason": "evidence",
        "labels": ("Deer",),
        "response": Raw(DEER),
    }
    return Decision(**(values | changes))


def three() -> list[Decision]:
    return [
        decision("a/1.jpg", reason="reference", labels=(), response=Raw(DEER)),
        decision("a/2.jpg", action="delete", reason="no-evidence", labels=()),
        Decision("a/3.txt", "null", "0cc1", 7, "deer", "keep", "unreadable", error=Unreadable("not-an-image", "text")),
    ]


def summary(decisions: Iterable[Decision], rules: Sequence[str] = RULES) -> Summary:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in decisions:
        counts[one.rule][f"{one.action} {one.reason}"] += 1
    return Summary(tuple(RuleSummary(rule, dict(sorted(counts[rule].items())), (), ()) for rule in rules))


def write(
    path: Path, decisions: Sequence[Decision], signer: Signer, signers_sha256: str | None = None, **changes: Any
) -> Statement:
    with PlanWriter(path, header(**changes)) as writer:
        for one in decisions:
            writer.add(one)
        return writer.finish(summary(decisions), signer, signers_sha256)
