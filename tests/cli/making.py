"""The main job's bucket: what is in it, what a detector would say of it, and the spec that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.making import answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SPEC = """\
version: 1
bucket: {bucket}
exclude: [Person]
labels:
  deer:
    prefix: deer/
    references: [deer/r1.jpg, deer/r2.jpg, deer/r3.jpg]
"""
REFERENCES = {f"deer/r{n}.jpg": answer(Deer=99, Animal=95) for n in (1, 2, 3)}
GOOD = {f"deer/good{n}.jpg": answer(Deer=90 + n) for n in range(9)}
BAD = {"deer/car.jpg": answer(Car=99), "deer/hunter.jpg": answer(Deer=99, Person=97)}
KEYS = {*REFERENCES, *GOOD, *BAD, "deer/notes.txt"}


def listed(s3: S3Client, bucket: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    found = {}
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if not entry["Key"].startswith(".labelplan/"):
            got = s3.get_object(Bucket=bucket, Key=entry["Key"])
            found[entry["Key"]] = (got["Body"].read(), got["Metadata"])
    return found
