from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused, CacheUnusable, KeyUnusable, LabelplanError, SpecError, WrongTarget
from labelplan.flow.doctor import Ports, diagnose, exit_code
from labelplan.flow.finding import Finding
from tests.flow.making import NOW, Bucket, Table, source

if TYPE_CHECKING:
    from labelplan.model.objects import S3Object, Target
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Spec

KEYS = ("deer/r1.jpg", "deer/r2.jpg", "deer/r3.jpg", "deer/good.jpg")
DENIED = AwsRefused("Access denied.", hint="Ask for it.")
OK = ["spec", "signing key", "answer cache", "credentials", "bucket", "versioning", "listing", "references", "reading"]

WAY_BACK = ["lifecycle", "MFA delete", "bucket policy", "replication"]
FILES = {"deer": {"prefix": "deer/", "references": ["./deer.jpg"], "accept": ["Deer"]}}


class Readable(Bucket):
    """A bucket whose objects begin with something; *denied*: the methods that are refused."""

    denied: tuple[str, ...] = ()

    def target(self) -> Target:
        self._refuse("target")
        return super().target()

    def list_current(self, prefix: str) -> Any:
        self._refuse("list_current")
        return super().list_current(prefix)

    def head(self, key: str) -> S3Object | None:
        self._refuse("head")
        return super().head(key)

    def first_bytes(self, image: S3Object, count: int) -> bytes | None:
        self._refuse("first_bytes")
        return None if image.key.endswith("archived.jpg") else b"\xff\xd8\xff"[:count]

    def _refuse(self, method: str) -> None:
        if method in self.denied:
            raise DENIED


class Quota(Table):
    """A detector with a quota; *refused*: what `check` raises."""

    def __init__(self, tps: float | None = 50.0, tps_from: str = "Service Quotas", **options: Any) -> None:
        super().__init__({}, **options)
        self.tps, self.tps_from = tps, tps_from
        self.refused: LabelplanError | None = None
        self.closed = False

    def check(self) -> None:
        if self.refused:
            raise self.refused

    def close(self) -> None:
        self.closed = True


@dataclass
class World:
    """What the doctor looks at; an error in place of a value is raised."""

    spec: Spec | LabelplanError = field(default_factory=lambda: source().spec)
    key: str | LabelplanError = "SHA256:abc"
    cache: str | LabelplanError = "9,870 answers"
    who: str | LabelplanError = "account 123456789012"
    bucket: Bucket | LabelplanError = field(default_factory=lambda: Readable(*KEYS))
    detector: Quota | LabelplanError = field(default_factory=Quota)
    copies: Bucket | LabelplanError | None = None
    probe: Capabilities | LabelplanError | None = None

    def ports(self) -> Ports:
        return Ports(
            load=lambda: given(self.spec),
            key=lambda: given(self.key),
            cache=lambda: given(self.cache),
            who=lambda _: given(self.who),
            reader=lambda _: given(self.bucket),
            detector=lambda *_: given(self.detector),
            copies=lambda _: given(self.copies),
            now=lambda: NOW,
            probe=None if self.probe is None else lambda _: given(self.probe),
        )


def given(value: Any) -> Any:
    if isinstance(value, LabelplanError):
        raise value
    return value


def findings(**world: Any) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnose(World(**world).ports())}


def test_where_all_is_well_every_check_is_ok_and_nothing_is_asked() -> None:
    detector = Quota()
    found = findings(detector=detector)
    assert list(found) == [*OK, "request payer", *WAY_BACK, "rekognition", "quota"]
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["bucket"].detail == "s3://wild at http://127.0.0.1:1, account 123456789012, region us-east-1"
    assert found["reading"].detail == "deer/r1.jpg, 10 bytes"
    assert found["references"].detail == "3 of 3 looked up, all there"
    assert found["listing"].detail == "1 of 1 prefix can be listed and hold objects"
    assert found["quota"].detail == "50 DetectLabels calls a second (Service Quotas)"
    assert exit_code(list(found.values())) == 0
    assert (detector.asked, detector.closed) == ([], True)


def test_a_wrong_spec_is_told_and_what_needs_none_is_still_looked_at() -> None:
    found = findings(spec=SpecError([]), key=KeyUnusable("There is no key."))
    assert [(finding.check, finding.state) for finding in found.values()] == [
        ("spec", "failed"),
        ("signing key", "failed"),
        ("answer cache", "ok"),
    ]
    assert exit_code(list(found.values())) == 4  # the first failure's


def test_the_local_parts_do_not_stop_the_rest() -> None:
    found = findings(key=KeyUnusable("no key"), cache=CacheUnusable("no file"), who=DENIED)
    assert [check for check, finding in found.items() if finding.state == "failed"] == OK[1:4]
    assert found["quota"].state == "ok"
    assert exit_code(list(found.values())) == 5


@pytest.mark.parametrize("bucket", [WrongTarget("Not theirs."), DENIED])
def test_without_a_bucket_nothing_that_stands_on_it_is_looked_at(bucket: LabelplanError) -> None:
    found = findings(bucket=bucket)
    assert (list(found)[-1], found["bucket"].state, found["bucket"].exit_code) == ("bucket", "failed", bucket.exit_code)


def test_a_bucket_that_does_not_answer_ends_it() -> None:
    bucket = Readable(*KEYS)
    bucket.denied = ("target",)
    found = findings(bucket=bucket)
    assert (list(found)[-1], found["bucket"].state) == ("bucket", "failed")
    assert found["bucket"].todo == "Ask for it."


def test_versioning_that_is_off_is_a_warning_as_a_plan_works() -> None:
    found = findings(bucket=Readable(*KEYS, versioning="Suspended"))
    assert (found["versioning"].state, found["versioning"].exit_code) == ("warning", 0)
    assert "aws s3api put-bucket-versioning --bucket wild" in found["versioning"].todo
    assert exit_code(list(found.values())) == 0


def test_an_empty_prefix_is_a_failure_that_names_it() -> None:
    found = findings(bucket=Readable("elk/1.jpg", "deer.jpg"))
    assert (found["listing"].state, found["listing"].exit_code) == ("failed", 4)
    assert found["listing"].detail == "labels.deer.prefix: no object under deer/"
    assert found["rekognition"].state == "ok"


@pytest.mark.parametrize(
    ("method", "check"),
    [("list_current", "listing"), ("head", "references"), ("head", "reading"), ("first_bytes", "reading")],
)
def test_a_refusal_to_list_or_read_says_what_else_it_may_mean(method: str, check: str) -> None:
    bucket = Readable(*KEYS)
    bucket.denied = (method,)
    found = findings(bucket=bucket)
    assert (found[check].state, found[check].exit_code) == ("failed", 10)
    assert found[check].todo.endswith("write into the spec: request_payer: requester")
    assert found["rekognition"].state == "ok"
    paying = findings(bucket=bucket, spec=source(request_payer="requester").spec)
    assert paying[check].todo == "Ask for it."
    assert "pays for requests" in paying["request payer"].detail


def test_without_a_reference_in_the_bucket_the_first_object_that_is_not_empty_is_read() -> None:
    found = findings(spec=source(labels=FILES).spec, bucket=Readable("deer/b.jpg", empty=("deer/",)))
    assert found["reading"].detail == "deer/b.jpg, 10 bytes"
    empty = findings(spec=source(labels=FILES).spec, bucket=Readable())
    assert (empty["reading"].state, empty["reading"].detail) == ("failed", "There is no image to try it on.")


def of_references(*names: str) -> Spec:
    return source(labels={"deer": {"prefix": "deer/", "references": list(names)}}).spec


def test_an_image_that_cannot_be_read_is_a_failure() -> None:
    found = findings(spec=of_references("deer/archived.jpg"), bucket=Readable("deer/archived.jpg"))
    assert (found["reading"].state, found["references"].state) == ("failed", "ok")
    assert found["reading"].detail.startswith("deer/archived.jpg cannot be read: it is archived, or has")


def test_references_that_are_not_there_are_all_named_and_another_image_is_read() -> None:
    spec = of_references("deer/gone.jpg", "deer/r1.jpg", "deer/lost.jpg")
    found = findings(spec=spec, bucket=Readable(*KEYS))
    assert (found["references"].state, found["references"].exit_code) == ("failed", 4)
    gone = "There is no object deer/gone.jpg in wild.\nThere is no object deer/lost.jpg in wild."
    assert found["references"].detail == gone
    assert found["reading"].detail == "deer/r1.jpg, 10 bytes"
    only_others = findings(spec=of_references("deer/gone.jpg"), bucket=Readable("deer/b.jpg"))
    assert only_others["reading"].detail == "deer/b.jpg, 10 bytes"


def test_of_many_references_the_first_are_looked_up_and_the_row_says_so() -> None:
    names = [f"deer/{number:02}.jpg" for number in range(50)]
    found = findings(spec=of_references(*names), bucket=Readable(*names[:20]))
    assert found["references"].detail == "20 of 50 looked up, all there"
    assert "references" not in findings(spec=source(labels=FILES).spec, bucket=Readable("deer/b.jpg"))


def test_a_detector_that_cannot_be_opened_or_may_not_be_asked_is_a_failure() -> None:
    assert findings(detector=DENIED)["rekognition"].exit_code == 10
    refused = Quota()
    refused.refused = DENIED
    found = findings(detector=refused)
    assert (found["rekognition"].state, found["quota"].state, refused.closed) == ("failed", "ok", True)


def test_a_quota_that_nobody_knows_is_a_warning() -> None:
    found = findings(detector=Quota(5.0, "no quota known"))
    assert (found["quota"].state, found["quota"].detail) == ("warning", "no quota known: 5 calls a second")
    assert "servicequotas:ListServiceQuotas" in found["quota"].todo


def test_the_local_detector_has_no_quota() -> None:
    spec = source(detector={"service": "local"}).spec
    found = findings(spec=spec, detector=Quota(None, "", paid=False))
    assert found["local detector"].detail == "works on this machine"
    assert "quota" not in found


def test_the_first_failure_decides_the_exit_code_and_a_warning_never_does() -> None:
    ok = Finding("a", "ok", "")
    warned = replace(ok, state="warning", exit_code=12)
    assert exit_code([ok, warned]) == 0
    failures = [replace(ok, state="failed", exit_code=code) for code in (10, 4)]
    assert exit_code([ok, warned, *failures]) == 10
