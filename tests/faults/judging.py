"""Whether a bucket is as it must be. What is found wrong is a `Fault`, of one of four kinds that are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from tests.faults.look import Content, Entry, contents, found, history, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

    from tests.faults.clients import Ended
    from tests.faults.pictures import Bucket

FaultKind = Literal["lost", "kept", "newer", "wrong"]
"""`lost`: something cannot be brought back; `kept`: deleted although the plan keeps it, or changed; `newer`: what
somebody else wrote is overwritten or hidden; `wrong`: not finished, deleted twice, a request that may not be."""


CRASHED = 70
T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What is wrong, in words."""

    kind: FaultKind
    what: str


@dataclass(frozen=True)
class Photograph:
    """A bucket at one moment."""

    entries: dict[str, list[Entry]]
    contents: dict[tuple[str, str], Content]


def photograph(s3: S3Client, bucket: str) -> Photograph:
    """Look at everything but labelplan's records."""
    entries = history(s3, bucket)
    return Photograph(entries, contents(s3, bucket, entries))


def after_any(s3: S3Client, bucket: Bucket, before: Photograph) -> list[Fault]:
    """What holds at every instant: all that was there is there, or can be brought back; what is kept is untouched."""
    now = history(s3, bucket.name)
    return [*_kept(bucket, before.entries, now), *_lost(s3, bucket, before, now)]


def after_apply(s3: S3Client, bucket: Bucket, before: Photograph, *, once: bool = True) -> list[Fault]:
    """Exactly what is planned is gone, and that *once*; the rest is as `after_any` says."""
    now = history(s3, bucket.name)
    faults = [*_kept(bucket, before.entries, now), *_lost(s3, bucket, before, now)]
    for key in set(bucket.delete) - bucket.others.touched:
        there, was = now.get(key, []), before.entries[key]
        if there and not there[0].is_marker:
            faults.append(Fault("wrong", f"{key!r} is still there"))
        elif once and bucket.mode == "versioning" and len(there) != len(was) + 1:
            faults.append(Fault("wrong", f"{key!r} was deleted {len(there) - len(was)} times: {there}"))
    return faults


def after_undo(s3: S3Client, bucket: Bucket, before: Photograph, *, denied: bool = False) -> list[Fault]:
    """The bucket is as before: with versioning exactly, else in all that a reader gets.

    *denied*: a marker could not be removed, so a version may have been copied over it.
    """
    now = photograph(s3, bucket.name)
    if bucket.mode != "versioning" or denied:
        return _lost(s3, bucket, before, now.entries) + [
            Fault("lost" if was else "wrong", f"{key!r}: {was} now {there}")
            for key, was, there in _differences(bucket, _current(before), _current(now))
        ]
    changed = [at for at, was in before.contents.items() if now.contents.get(at, was) != was]
    return [
        *_lost(s3, bucket, before, now.entries),
        *(
            Fault("wrong", f"{key!r} is not as before: {was} now {there}")
            for key, was, there in _differences(bucket, before.entries, now.entries)
        ),
        *(Fault("lost", f"{at} has changed: {before.contents[at]} now {now.contents[at]}") for at in changed),
    ]


def after_visit(s3: S3Client, bucket: Bucket, *, markers: bool = True) -> list[Fault]:
    """What somebody else wrote is what a reader gets, and what he deleted stays deleted, by the *markers* he made."""
    faults = []
    for key, body in bucket.others.written.items():
        there = found(s3, bucket.name, key)
        if there is None or there.body != body:
            faults.append(Fault("newer", f"{key!r}, somebody else's {body!r}, is now {there}"))
    now = history(s3, bucket.name)
    for key, marker in bucket.others.markers.items() if markers else ():
        if bucket.mode == "versioning" and marker not in {entry.version_id for entry in now.get(key, [])}:
            faults.append(Fault("newer", f"{key!r}: somebody else's delete was taken back"))
    return faults


def of_clients(ended: Ended) -> list[Fault]:
    """No client ends with what nobody has thought of."""
    if ended.code == CRASHED or "Traceback" in ended.err:
        return [Fault("wrong", f"exit {ended.code}: {ended.err.strip().splitlines()[-1]}")]
    return []


def _differences(
    bucket: Bucket, before: Mapping[str, T], now: Mapping[str, T]
) -> Iterator[tuple[str, T | None, T | None]]:
    """List what differs by key, without what somebody else has touched."""
    for key in sorted((before.keys() | now.keys()) - bucket.others.touched):
        if before.get(key) != now.get(key):
            yield key, before.get(key), now.get(key)


def _current(photograph: Photograph) -> dict[str, Content]:
    return {
        key: photograph.contents[key, entries[0].version_id]
        for key, entries in photograph.entries.items()
        if not entries[0].is_marker
    }


def _kept(bucket: Bucket, before: dict[str, list[Entry]], now: dict[str, list[Entry]]) -> list[Fault]:
    """Whatever the plan does not delete is as it was."""
    return [
        Fault("kept", f"{key!r}: {was} now {there}")
        for key, was, there in _differences(bucket, before, now)
        if key not in bucket.delete
    ]


def _lost(s3: S3Client, bucket: Bucket, before: Photograph, now: dict[str, list[Entry]]) -> list[Fault]:
    """No version is gone; where there are none, a copy with the same bytes is in the record of a run."""
    if bucket.mode == "versioning":
        return [
            Fault("lost", f"the version {entry.version_id} of {key!r} is gone")
            for key, entries in before.entries.items()
            for entry in entries
            if entry.version_id not in {there.version_id for there in now.get(key, [])}
        ]
    gone = [key for key in bucket.delete if not _is_there(now.get(key)) and key not in bucket.others.touched]
    if not gone:
        return []
    names = runs(s3, bucket.name)
    unsafe = [key for key in gone if not any(_is_safe(s3, bucket, run, key, before) for run in names)]
    return [Fault("lost", f"{key!r} is gone, and no copy of it is there") for key in unsafe]


def _is_there(entries: list[Entry] | None) -> bool:
    return entries is not None and not entries[0].is_marker


def _is_safe(s3: S3Client, bucket: Bucket, run: str, key: str, before: Photograph) -> bool:
    where, prefix = (bucket.copies, "safe/") if bucket.copies else (bucket.name, ".labelplan/backup/")
    copy = found(s3, where, f"{prefix}runs/{run}/objects/{key}")
    was = before.contents[key, before.entries[key][0].version_id]
    return copy is not None and (copy.body, copy.metadata, copy.tags) == (was.body, was.metadata, was.tags)
