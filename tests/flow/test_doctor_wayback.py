"""What doctor says of apply and undo; none of it stops a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.errors import AwsRefused, LabelplanError
from labelplan.flow.doctor import diagnose, exit_code
from labelplan.model.protection import Expiry
from labelplan.model.run import Capabilities
from labelplan.model.spec import Backup
from labelplan.view.doctor_text import OF_APPLY
from tests.flow.making import Bucket, source
from tests.flow.test_doctor import DENIED, KEYS, Readable, World

if TYPE_CHECKING:
    from labelplan.flow.finding import Finding
    from labelplan.model.objects import Versioning

EVERYTHING = Capabilities(*[True] * len(Capabilities.__struct_fields__))
NOTHING = Capabilities(*[False] * len(Capabilities.__struct_fields__))
COPIES = ("copy source", "copy target", "tags")


def findings(bucket: Bucket | None = None, backup: Backup | None = None, **world: Any) -> dict[str, list[Finding]]:
    spec = replace(source().spec, backup=backup or Backup())
    found: dict[str, list[Finding]] = {}
    everything = list(diagnose(World(spec=spec, bucket=bucket or Readable(*KEYS), **world).ports()))
    assert exit_code(everything) == 0
    for finding in everything:
        found.setdefault(finding.check, []).append(finding)
    return found


def protected(**changes: Any) -> Bucket:
    bucket = Readable(*KEYS)
    bucket.protected = replace(bucket.protected, bucket="wild", **changes)
    return bucket


class Refusing(Readable):
    """A bucket whose configuration cannot be read at all."""

    def protection(self) -> Any:
        raise AwsRefused("S3 is too busy.", hint="Later.")


def test_until_when_it_can_be_undone_is_said() -> None:
    found = findings(protected(expiries=(Expiry("x", "deer/", noncurrent_days=90),)))
    (row,) = found["lifecycle"]
    assert (row.state, row.detail) == ("ok", "can be undone until 2027-02-20 at least")
    assert findings()["lifecycle"][0].detail == "no rule ends what can be undone"


def test_a_way_back_that_is_too_short_is_a_warning_as_a_plan_works() -> None:
    found = findings(protected(expiries=(Expiry("x", "deer/", noncurrent_days=7),)))
    (row,) = found["lifecycle"]
    assert row.state == "warning"
    assert "the lifecycle rule x of the bucket wild (for deer/) removes old versions after 7 days" in row.detail
    assert "keep_days: 7" in row.todo
    assert "rekognition" in found  # and it goes on


def test_an_archive_is_said_beside_what_lasts() -> None:
    fine, cold = findings(protected(expiries=(Expiry("x", "", noncurrent_archive_days=7),)))["lifecycle"]
    assert (fine.state, cold.state) == ("ok", "warning")
    assert "must be restored from an archive" in cold.detail


@pytest.mark.parametrize(
    ("changes", "check", "state", "part"),
    [
        ({}, "MFA delete", "ok", "off"),
        ({"mfa_delete": True}, "MFA delete", "warning", "copies old versions back"),
        ({}, "bucket policy", "ok", "may be removed"),
        ({"may_remove_markers": False}, "bucket policy", "warning", "denies s3:DeleteObjectVersion"),
        ({"may_remove_markers": None}, "bucket policy", "warning", "may not be read"),
        ({}, "replication", "ok", "not replicated"),
        ({"replicates": True}, "replication", "warning", "objects stay deleted there"),
        ({"replicates": None}, "replication", "warning", "may not be read"),
    ],
)
def test_what_stands_in_the_way_of_an_undo_is_said(changes: Any, check: str, state: str, part: str) -> None:
    (row,) = findings(protected(**changes))[check]
    assert row.state == state
    assert part in row.detail
    assert bool(row.todo) is (part == "may not be read")


@pytest.mark.parametrize("where", ["bucket", "copies"])
def test_a_configuration_that_cannot_be_read_is_a_warning(where: str) -> None:
    world: dict[str, Any] = {where: Refusing(*KEYS)}
    (row,) = findings(backup=Backup("copy", "backup", "copies/"), **world)["lifecycle"]
    assert (row.state, row.detail, row.todo) == ("warning", "S3 is too busy.", "Later.")


def test_for_copies_the_rules_of_their_bucket_count_and_markers_do_not() -> None:
    other = protected(expiries=(Expiry("x", "copies/", days=60),))
    own = protected(mfa_delete=True, expiries=(Expiry("x", "deer/", noncurrent_days=1),))
    found = findings(own, Backup("copy", "backup", "copies/"), copies=other)
    assert found["lifecycle"][0].detail == "can be undone until 2027-01-21 at least"
    assert not found.keys() & {"MFA delete", "bucket policy"}
    same = findings(other, Backup("copy", None, "copies/"))
    assert same["lifecycle"][0].detail == "can be undone until 2027-01-21 at least"


@pytest.mark.parametrize("state", ["Enabled", "Suspended", "Disabled"])
def test_for_copies_any_versioning_will_do(state: Versioning) -> None:
    (row,) = findings(Readable(*KEYS, versioning=state), Backup("copy"))["versioning"]
    assert (row.state, row.detail) == ("ok", f"{state}; what apply deletes is copied before")


def test_the_verdict_knows_which_checks_are_about_apply() -> None:
    names = set(findings(probe=EVERYTHING)) | set(findings(backup=Backup("copy"), probe=EVERYTHING))
    assert names - OF_APPLY == {
        "answer cache",
        "bucket",
        "credentials",
        "listing",
        "quota",
        "reading",
        "references",
        "rekognition",
        "request payer",
        "signing key",
        "spec",
    }
    assert names > OF_APPLY


# --- with --probe ---------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_asked_for() -> None:
    assert "probe" not in findings()


def test_a_server_that_honours_everything_is_ok_and_the_canaries_are_said() -> None:
    found = findings(probe=EVERYTHING)
    assert {row.state for rows in found.values() for row in rows} == {"ok"}
    assert found["probe"][0].detail.startswith(
        "canary objects written under .labelplan/probe/ and deleted again, where"
    )
    assert "1,000 objects a request" in found["strategy"][0].detail
    assert found["lock"][0].detail == "can be taken: PutObject honours conditions"
    assert not found.keys() & set(COPIES)
    plain = findings(Readable(*KEYS, versioning="Disabled"), Backup("copy"), probe=EVERYTHING)
    assert plain["probe"][0].detail.endswith("deleted again")
    assert {plain[check][0].state for check in COPIES} == {"ok"}


def test_a_server_that_ignores_everything_is_told_row_by_row() -> None:
    found = findings(probe=NOTHING)
    assert found["bulk deletes"][0].detail == "DeleteObjects ignores ETags"
    for check in ("bulk deletes", "single deletes", "records", "lock"):
        assert found[check][0].state == "warning"
    assert found["strategy"][0].detail.startswith("the server compares no ETags, so each object is looked at")
    assert "--no-lock" in found["lock"][0].todo


def test_where_apply_would_refuse_the_strategy_says_so() -> None:
    found = findings(Readable(*KEYS, versioning="Suspended"), Backup("copy"), probe=NOTHING)
    assert found["strategy"][0].state == "warning"
    assert "versioning of the bucket wild is suspended" in found["strategy"][0].detail
    assert {found[check][0].state for check in COPIES} == {"warning"}


def test_canaries_that_may_not_be_written_are_a_warning() -> None:
    denied: LabelplanError = DENIED
    found = findings(probe=denied)
    assert (found["probe"][0].state, found["probe"][0].todo) == ("warning", "Ask for it.")
    assert "strategy" not in found
