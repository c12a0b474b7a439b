"""`doctor`: would a plan work here? Every condition is looked at before anything is paid, and told with what to do.

Labels no image, and changes nothing but for a probe that was asked for. It goes on after a failure, with what does not
stand on what failed.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from labelplan.errors import DONE, AwsRefused, SpecMismatch
from labelplan.flow.doctor_wayback import probe_findings, way_back_findings
from labelplan.flow.finding import Finding, tried
from labelplan.model.spec import NO_QUOTA, is_file

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import S3Object, Target
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Spec
    from labelplan.store.interface import Reader

FIRST = 1000
"""So many objects of a prefix are looked through for one that is not empty: one page of a listing."""

LOOKED_UP = 20
"""So many references are looked up; a plan looks up the rest before it pays."""

FIRST_BYTES = 16

_REQUESTER = "If the bucket is set to Requester Pays, write into the spec: request_payer: requester"


@dataclass(frozen=True)
class Ports:
    """How to get at what is looked at; each raises a `LabelplanError` if it cannot.

    *who* says whose the credentials are, *key* which key would sign, *cache* where answers are kept. *copies* opens the
    bucket for copies, None where there is no other one. *probe*: None where nothing may be written.
    """

    load: Callable[[], Spec]
    key: Callable[[], str]
    cache: Callable[[], str]
    who: Callable[[Spec], str]
    reader: Callable[[Spec], Reader]
    detector: Callable[[Spec, Target, Reader], Detector]
    copies: Callable[[Spec], Reader | None]
    now: Callable[[], dt.datetime]
    probe: Callable[[Spec], Capabilities] | None = None


def diagnose(ports: Ports) -> Iterator[Finding]:
    """Yield a finding for every check, in an order in which each stands on those before it."""
    spec, finding = tried("spec", ports.load, _about_spec)
    yield finding
    yield tried("signing key", ports.key, str)[1]
    yield tried("answer cache", ports.cache, str)[1]
    if spec is None:
        return
    yield tried("credentials", lambda: ports.who(spec), str)[1]
    reader, finding = tried("bucket", lambda: ports.reader(spec), lambda _: "")
    if reader is None:
        yield finding
        return
    target, finding = tried("bucket", reader.target, _about_target)
    yield finding
    if target is not None:
        yield _versioning(target, spec)
        yield from _objects(spec, reader)
        yield from way_back_findings(spec, reader, lambda: ports.copies(spec), ports.now())
        if ports.probe is not None:
            yield from probe_findings(spec, target, ports.probe)
        yield from _detector(spec, target, reader, ports)


def exit_code(findings: list[Finding]) -> int:
    """Return what the process ends with: the code of the first failure, or 0."""
    return next((finding.exit_code for finding in findings if finding.state == "failed"), DONE)


def _about_spec(spec: Spec) -> str:
    rules = f"{len(spec.rules):,} label rule{'s' * (len(spec.rules) != 1)}"
    budget = "no budget" if spec.max_calls is None else f"budget {spec.max_calls:,} calls"
    return f"valid: {rules}, detector {spec.detector.service}, {budget}"


def _about_target(target: Target) -> str:
    owner = f"account {target.account}" if target.account else "a server without accounts"
    where = f" at {target.endpoint}" if target.endpoint else ""
    return f"s3://{target.bucket}{where}, {owner}, region {target.region}"


def _versioning(target: Target, spec: Spec) -> Finding:
    if spec.backup.mode == "copy":
        return Finding("versioning", "ok", f"{target.versioning}; what apply deletes is copied before")
    if target.versioning == "Enabled":
        return Finding("versioning", "ok", "Enabled: what apply deletes can be brought back")
    command = f"aws s3api put-bucket-versioning --bucket {target.bucket} --versioning-configuration Status=Enabled"
    return Finding("versioning", "warning", f"{target.versioning}: a plan works, apply would refuse", command)


def _objects(spec: Spec, reader: Reader) -> Iterator[Finding]:
    """Look whether every prefix can be listed and has an image, and whether an image can be read."""
    images, finding = tried("listing", lambda: _images(spec, reader), _about_images)
    yield _with_requester(finding, spec)
    names = list(dict.fromkeys(name for rule in spec.rules for name in rule.references if not is_file(name)))
    if names:
        finding = tried("references", lambda: _look_up(spec, reader, names), str)[1]
        yield _with_requester(finding, spec)
    some = [*names[:LOOKED_UP], *(image.key for image in images or [])]
    finding = tried("reading", lambda: _read(reader, some), str)[1]
    yield _with_requester(finding, spec)
    payer = "whoever runs labelplan pays for requests and traffic" if spec.requester_pays else "the bucket's owner pays"
    yield Finding("request payer", "ok", payer)


def _with_requester(finding: Finding, spec: Spec) -> Finding:
    """Add what else a refusal may mean."""
    if finding.exit_code != AwsRefused.exit_code or spec.requester_pays:
        return finding
    todo = " ".join(filter(None, [finding.todo, _REQUESTER]))
    return Finding(finding.check, finding.state, finding.detail, todo, finding.exit_code)


def _images(spec: Spec, reader: Reader) -> list[S3Object]:
    """Return an object of each prefix, one that is not empty if it comes early; raises `SpecMismatch`."""
    found, nothing = [], []
    for rule in spec.rules:
        some = list(islice(reader.list_current(rule.prefix), FIRST))
        found += [next((item for item in some if item.size), some[0])] if some else []
        nothing += [] if some else [f"labels.{rule.name}.prefix: no object under {rule.prefix}"]
    if nothing:
        raise SpecMismatch("\n".join(nothing), hint="Correct the prefix in the spec, or the bucket's name.")
    return found


def _about_images(images: list[S3Object]) -> str:
    return f"{len(images):,} of {len(images):,} prefix{'es' * (len(images) != 1)} can be listed and hold objects"


def _look_up(spec: Spec, reader: Reader, names: list[str]) -> str:
    """Look up the first references in the bucket; raises `SpecMismatch` naming those that are not there."""
    looked_up = names[:LOOKED_UP]
    missing = [name for name in looked_up if reader.head(name) is None]
    if missing:
        what = "\n".join(f"There is no object {name} in {spec.bucket}." for name in missing)
        raise SpecMismatch(what, hint="Correct the references in the spec.")
    return f"{len(looked_up)} of {len(names):,} looked up, all there"


def _read(reader: Reader, names: list[str]) -> str:
    """Read the beginning of the first of the objects *names* that is there; raises what goes wrong."""
    image = next((image for name in names if (image := reader.head(name)) is not None), None)
    if image is None:
        raise SpecMismatch("There is no image to try it on.", hint="See the checks above.")
    if reader.first_bytes(image, FIRST_BYTES) is None:
        raise SpecMismatch(f"{image.key} cannot be read: it is archived, or has just changed.")
    return f"{image.key}, {image.size:,} bytes"


def _detector(spec: Spec, target: Target, reader: Reader, ports: Ports) -> Iterator[Finding]:
    name = "rekognition" if spec.detector.service == "rekognition" else "local detector"
    detector, finding = tried(name, lambda: ports.detector(spec, target, reader), lambda _: "")
    if detector is None:
        yield finding
        return
    with closing(detector):
        where = f"may be asked in {target.region}, where the bucket is" if detector.paid else "works on this machine"
        yield tried(name, detector.check, lambda _: where)[1]
        if detector.tps is not None:
            yield _quota(detector.tps, detector.tps_from)


def _quota(tps: float, source: str) -> Finding:
    if source != NO_QUOTA:
        return Finding("quota", "ok", f"{tps:g} DetectLabels calls a second ({source})")
    todo = "Write the account's quota into the spec (detector: {tps: 50}) or give --tps, or allow "
    return Finding("quota", "warning", f"{NO_QUOTA}: {tps:g} calls a second", f"{todo}servicequotas:ListServiceQuotas.")
