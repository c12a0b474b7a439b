"""What `doctor` says of apply and undo: how long a way back lasts, and what the server honours, if it may be tried out.

None of it stops a plan, so there are no failures here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.flow.finding import Finding, warned
from labelplan.flow.lock import require_conditional_puts
from labelplan.flow.wayback import undo_until
from labelplan.model.run import RUN_PREFIX
from labelplan.rules.strategy import choose_strategy, said
from labelplan.rules.wayback import about_archived

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from labelplan.model.objects import Target
    from labelplan.model.protection import Protection
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Spec
    from labelplan.store.interface import Reader

_INSTEAD = "undo copies old versions back instead of removing delete markers"
_REPLICATED = "delete markers are replicated, and their removal is not: after an undo, objects stay deleted there"
_CONDITIONS = (
    ("bulk deletes", "bulk_delete", "DeleteObjects compares ETags", "DeleteObjects ignores ETags"),
    ("single deletes", "single_delete", "DeleteObject compares If-Match", "DeleteObject ignores If-Match"),
    ("records", "put_absent", "PutObject honours If-None-Match", "PutObject ignores If-None-Match"),
)
_FOR_COPIES = (
    ("copy source", "copy_source", "CopyObject compares the source's ETag", "CopyObject ignores the source's ETag"),
    ("copy target", "copy_absent", "CopyObject honours If-None-Match", "CopyObject ignores If-None-Match"),
    ("tags", "tags", "tags can be set", "tags cannot be set, or replace what the object holds"),
)


def way_back_findings(
    spec: Spec, reader: Reader, copies: Callable[[], Reader | None], now: dt.datetime
) -> Iterator[Finding]:
    """Yield what the configuration of the bucket, and of the one for *copies*, says."""
    own, finding = warned("lifecycle", reader.protection, lambda _: "")
    if own is None:
        yield finding
        return
    other: Protection | None = None
    if spec.backup.mode == "copy":
        other, finding = warned("lifecycle", lambda: _protection(copies(), own), lambda _: "")
        if other is None:
            yield finding
            return
    yield _lifecycle(spec, own, other, now)
    if other is None:
        yield from _versions(spec, own)
    yield _replication(own)


def _protection(copies: Reader | None, own: Protection) -> Protection:
    return own if copies is None else copies.protection()


def _lifecycle(spec: Spec, own: Protection, other: Protection | None, now: dt.datetime) -> Finding:
    prefixes = [rule.prefix for rule in spec.rules]

    def check() -> str:
        until = undo_until(own, other, spec.backup, prefixes, now)
        return f"can be undone until {until:%Y-%m-%d} at least" if until else "no rule ends what can be undone"

    return warned("lifecycle", check, str)[1]


def _versions(spec: Spec, own: Protection) -> Iterator[Finding]:
    """Yield what matters where old versions are the way back."""
    for note in about_archived([rule.prefix for rule in spec.rules], own):
        yield Finding("lifecycle", "warning", note)
    if own.mfa_delete:
        yield Finding("MFA delete", "warning", f"on: {_INSTEAD}")
    else:
        yield Finding("MFA delete", "ok", "off")
    match own.may_remove_markers:
        case True:
            yield Finding("bucket policy", "ok", "delete markers may be removed")
        case False:
            yield Finding("bucket policy", "warning", f"it denies s3:DeleteObjectVersion: {_INSTEAD}")
        case None:
            yield Finding("bucket policy", "warning", "it may not be read", "Allow s3:GetBucketPolicy.")


def _replication(own: Protection) -> Finding:
    if own.replicates is None:
        return Finding("replication", "warning", "it may not be read", "Allow s3:GetReplicationConfiguration.")
    if own.replicates:
        return Finding("replication", "warning", _REPLICATED)
    return Finding("replication", "ok", "delete markers are not replicated")


def probe_findings(spec: Spec, target: Target, probe: Callable[[Spec], Capabilities]) -> Iterator[Finding]:
    """Try the server out with canaries, and yield what it honours, and what apply would do."""
    left = ", where old versions of a few bytes stay" if target.versioning == "Enabled" else ""
    canaries = f"canary objects written under {RUN_PREFIX}probe/ and deleted again{left}"
    found, finding = warned("probe", lambda: probe(spec), lambda _: canaries)
    yield finding
    if found is None:
        return
    for check, name, yes, no in (*_CONDITIONS, *(_FOR_COPIES if spec.backup.mode == "copy" else ())):
        honoured = getattr(found, name)
        yield Finding(check, "ok" if honoured else "warning", yes if honoured else no)
    yield warned("strategy", lambda: choose_strategy(found, target.versioning, target.bucket), said)[1]
    can = "can be taken: PutObject honours conditions"
    yield warned("lock", lambda: require_conditional_puts(found), lambda _: can)[1]
