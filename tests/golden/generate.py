"""Made the golden plan of format 1: a tiny plan with every reason, odd keys and two signatures.

Run once, when the format was new: python -m tests.golden.generate. Never again for the same format: what it wrote is
frozen, and every later labelplan must read it. The keys sign nothing but this plan.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from msgspec import UNSET, Raw

from labelplan.model.objects import Target
from labelplan.model.plan import (
    AcceptedLabel,
    AcceptedShare,
    Decision,
    DetectorRecord,
    Header,
    ReferenceRecord,
    RuleHeader,
    RuleSummary,
    Summary,
    Warn,
)
from labelplan.model.response import Unreadable
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.reader import open_plan
from labelplan.planfile.signatures import add_signature
from labelplan.planfile.sshwire import public_line
from labelplan.planfile.trust import signers_digest
from labelplan.planfile.writer import PlanWriter

FOLDER = Path(__file__).parent / "format-1"
CREATED = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
EXPIRES = CREATED + dt.timedelta(days=7)
ETAG = "9b2cf535f27731c974343645a3985328"

DEER = b'{"Labels":[{"Name":"Deer","Confidence":97.53200531005859,"Parents":[{"Name":"Animal"}]}],"x":1e-7}'
HUNTER = b'{"LabelModelVersion": "3.0", "Labels": [{"Name": "Person", "Confidence": 99.1}]}'
NOTHING = b'{"Labels":[],"LabelModelVersion":"3.0"}'

SIGNERS = """\
# Whom the golden plan's test trusts.
people:
  alice:
    keys: ["{alice} alice@example.org"]
    roles: [plan]
    buckets: ["wildlife-*"]
  bob:
    keys: ["{bob} bob@example.org"]
    roles: [plan, approve]
    not_after: 2099-12-31
approvals: 1
expires: 2099-12-31
"""


def main() -> None:
    """Write keys, signers file and plan; refuses to replace the keys, and with them all the rest."""
    alice, bob = (generate_key(FOLDER / f"{name}.key") for name in ("alice", "bob"))
    (FOLDER / "signers.yaml").write_text(SIGNERS.format(alice=public_line(alice), bob=public_line(bob)))
    path = FOLDER / "every-reason.plan.json"
    with PlanWriter(path, header()) as writer:
        for decision in decisions():
            writer.add(decision)
        digest = signers_digest(FOLDER / "signers.yaml", {}, FOLDER)
        writer.finish(summary(), find_signer(str(FOLDER / "alice.key"), {}), digest)
    with open_plan(path) as plan:
        add_signature(plan, find_signer(str(FOLDER / "bob.key"), {}))


def decisions() -> list[Decision]:
    """One decision of every kind, in the order of their keys."""

    def decision(name: str, action: str, reason: str, *labels: str, response: bytes | None = None) -> Decision:
        error = Unreadable("InvalidImageFormatException", 'not "an" image') if reason == "unreadable" else UNSET
        raw = UNSET if response is None else Raw(response)
        return Decision(f"images/{name}", "null", ETAG, 1234, "deer", action, reason, labels, error, raw)  # type: ignore[arg-type]  # literals

    made = [
        decision("0001.jpg", "keep", "reference"),
        decision("0002.jpg", "keep", "evidence", "Deer", response=DEER),
        decision("0003.jpg", "delete", "no-evidence", response=NOTHING),
        decision("0004.jpg", "delete", "excluded", "Person", response=HUNTER),
        decision("0005.jpg", "keep", "truncated", response=DEER),
        decision("0006.jpg", "keep", "pinned"),
        decision("0007.jpg", "delete", "pinned"),
        decision("notes.txt", "keep", "unreadable"),
        decision('odd/"quoted"\\back\nslash\x7f.jpg', "keep", "protected"),
        decision("odd/rtl\u202egpj.exe", "keep", "protected"),
        decision("odd/zero\u200bwidth é.jpg", "keep", "protected"),
        decision("odd/日本\U0001f98c\ufe0f.jpg", "keep", "protected"),
        decision("odd/\uff21 before \U0001f98c.jpg", "keep", "protected"),
    ]
    return sorted(made, key=lambda one: one.key.encode())


def header() -> Header:
    """A header with both kinds of references."""
    references = (
        ReferenceRecord(f"etag:{ETAG}", key="images/0001.jpg", response=Raw(DEER)),
        ReferenceRecord("sha256:" + "5" * 64, file="./refs/deer.jpg", response=Raw(DEER)),
    )
    accepted = (
        AcceptedLabel("Deer", 85.0, ("images/0001.jpg", "./refs/deer.jpg"), (97.53200531005859, 97.53200531005859)),
        AcceptedLabel("Elk", 90.5, (), ()),
    )
    return Header(
        tool="labelplan/0.1.0",
        target=Target("", "123456789012", "us-east-1", "wildlife-training", "Enabled"),
        spec=Raw(b'{"version":1,"bucket":"wildlife-training"}'),
        spec_sha256="7" * 64,
        detector=DetectorRecord("rekognition", 50, 50.0, "3.0"),
        rules=(RuleHeader("deer", accepted, references), RuleHeader("empty", accepted, references)),
        created=CREATED,
        expires=EXPIRES,
        nonce="00112233445566778899aabbccddeeff",
    )


def summary() -> Summary:
    """The summary of `decisions`."""
    counts = {
        "delete excluded": 1,
        "delete no-evidence": 1,
        "delete pinned": 1,
        "keep evidence": 1,
        "keep pinned": 1,
        "keep protected": 5,
        "keep reference": 1,
        "keep truncated": 1,
        "keep unreadable": 1,
    }
    shares = (AcceptedShare("Deer", 66.7, None), AcceptedShare("Elk", 0.0, None))
    warning = Warn("few-references", "deer has 2 references; 3 to 5 are better", "references: [...]")
    return Summary((RuleSummary("deer", counts, shares, (warning,)), RuleSummary("empty", {}, shares, ())))


if __name__ == "__main__":
    main()
