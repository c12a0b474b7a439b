"""A bucket of pictures, a spec for it, and `labelplan plan` in a process of its own: for tests and benchmarks that pay.

The S3 server and the simulated Rekognition are the caller's; every process here gets them by the usual environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulators.asking import jpeg

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

SPEC = """\
version: 1
bucket: {bucket}
guards: {{max_delete_percent: 100, min_keep: 0}}
labels:
  deer:
    prefix: deer/
    references: [deer/00000.jpg, deer/00001.jpg, deer/00002.jpg]
"""


def fill(s3: S3Client, bucket: str, objects: int, contents: int) -> None:
    """Put *objects* pictures of so many different *contents* under deer/; every one has a name of its own."""

    def put(number: int) -> None:
        body = jpeg(note=b"%d" % (number % contents))
        s3.put_object(Bucket=bucket, Key=f"deer/{number:05}.jpg", Body=body)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(objects)))


@dataclass(frozen=True)
class Planner:
    """A folder with a spec, a key and a cache, and the environment of the commands that are run in it."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str, spec: str = "deer.yaml") -> subprocess.Popen[str]:
        """Start `labelplan plan`."""
        command = [sys.executable, "-m", "labelplan", "plan", spec, *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)  # noqa: S603 - our own command

    def run(self, *arguments: str, spec: str = "deer.yaml") -> tuple[int, str, str]:
        """Run it to its end; return exit code, stdout and stderr."""
        with self.start(*arguments, spec=spec) as process:
            out, err = process.communicate()
        return process.returncode, out, err


def make_planner(folder: Path, bucket: str, s3: str, rekognition: str) -> Planner:
    """Write a spec and a key into *folder*; *s3* and *rekognition* are the servers' URLs."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition,
        "AWS_ENDPOINT_URL_SERVICE_QUOTAS": rekognition,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "LABELPLAN_CACHE": str(folder / "answers.sqlite"),
        "LABELPLAN_TRUST_OWN_KEY": "1",
    }
    (folder / "deer.yaml").write_text(SPEC.format(bucket=bucket))
    generate = [sys.executable, "-m", "labelplan", "key", "generate"]
    subprocess.run(generate, cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S603 - our own command
    return Planner(folder, environment)
