"""The law: undo(apply(bucket)) == bucket, whatever happened to the objects between plan, apply and undo."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flow.applying import apply, content, history, undo, write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

Meanwhile = Literal["nothing", "overwritten", "uploaded again", "deleted", "deleted and stored anew", "tagged"]

meanwhile = st.sampled_from(
    ["nothing", "nothing", "overwritten", "uploaded again", "deleted", "deleted and stored anew", "tagged"]
)
keys = st.text(st.sampled_from("ab2F/ +&%#=?~*'\"\\\u00e9e\u0301\U0001f98c\u2028"), min_size=1, max_size=8).map(
    lambda key: f"deer/{key}.jpg"
)
one_object = st.fixed_dictionaries(
    {
        "body": st.binary(max_size=20),
        "older": st.sampled_from([[], ["put"], ["put", "delete"]]),
        "type": st.sampled_from(["image/jpeg", "text/plain; charset=utf-8"]),
        "metadata": st.dictionaries(st.sampled_from(["by", "licence"]), st.sampled_from(["me", "cc0"])),
        "planned": st.booleans(),
        "before_apply": meanwhile,
        "before_undo": meanwhile,
    }
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=st.dictionaries(keys, one_object, min_size=1, max_size=5))
def test_undo_after_apply_leaves_the_bucket_as_it_was(
    s3: S3Client, tmp_path: Path, objects: dict[str, dict[str, object]]
) -> None:
    bucket = f"law-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key, one in objects.items():
        store(s3, bucket, key, one)
    planned = {key for key, one in objects.items() if one["planned"]}
    plan = write_plan(tmp_path / bucket, bucket, planned)
    for key, one in objects.items():
        happen(s3, bucket, key, one["before_apply"])
    before, seen = history(s3, bucket), content(s3, bucket)

    applied = apply(plan, bucket)

    untouched = {key for key in planned if objects[key]["before_apply"] in {"nothing", "tagged"}}
    assert applied.counts.get("deleted", 0) == len(untouched)
    assert seen.keys() - content(s3, bucket).keys() == untouched

    newer = {key for key, one in objects.items() if one["before_undo"] not in {"nothing", "tagged"}}
    for key in newer:
        happen(s3, bucket, key, objects[key]["before_undo"])
    later = history(s3, bucket)
    undone = undo(applied.run)

    assert without(history(s3, bucket), newer) == without(before, newer)
    assert only(history(s3, bucket), newer) == only(later, newer)
    back = content(s3, bucket)
    assert {key: back[key] for key in back.keys() - newer} == {key: seen[key] for key in seen.keys() - newer}
    assert undone.counts.get("restored", 0) == len(untouched - newer)
    assert undone.counts.get("left", 0) == len(untouched & newer)


def store(s3: S3Client, bucket: str, key: str, one: dict[str, object]) -> None:
    for older in one["older"]:  # type: ignore[attr-defined]  # a list of words
        happen(s3, bucket, key, "overwritten" if older == "put" else "deleted")
    s3.put_object(Bucket=bucket, Key=key, Body=one["body"], ContentType=one["type"], Metadata=one["metadata"])  # type: ignore[arg-type]  # as made above


def happen(s3: S3Client, bucket: str, key: str, what: object) -> None:
    """Let somebody do something to an object; a new object is another one, even with the same bytes."""
    if what == "uploaded again":
        current = s3.get_object(Bucket=bucket, Key=key)["Body"].read() if exists(s3, bucket, key) else b"again"
        s3.put_object(Bucket=bucket, Key=key, Body=current)
    if what in {"deleted", "deleted and stored anew"}:
        s3.put_object(Bucket=bucket, Key=key, Body=b"so that there is something to delete")
        s3.delete_object(Bucket=bucket, Key=key)
    if what in {"overwritten", "deleted and stored anew"}:
        s3.put_object(Bucket=bucket, Key=key, Body=uuid.uuid4().bytes)
    if what == "tagged":
        s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": "seen", "Value": "yes"}]})


def exists(s3: S3Client, bucket: str, key: str) -> bool:
    return any(one["Key"] == key for one in s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ()))


def only(entries: set[tuple[str, str, bool, bool]], keys: set[str]) -> set[tuple[str, str, bool, bool]]:
    return {entry for entry in entries if entry[0] in keys}


def without(entries: set[tuple[str, str, bool, bool]], keys: set[str]) -> set[tuple[str, str, bool, bool]]:
    return {entry for entry in entries if entry[0] not in keys}
