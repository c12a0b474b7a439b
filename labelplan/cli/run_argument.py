"""`BUCKET/RUN_ID`, as apply prints it: how a run is named on the command line."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from labelplan.errors import UsageError

RunArgument = Annotated[str, typer.Argument(metavar="BUCKET/RUN_ID", help="The run, as apply printed it.")]
RequesterPaysOption = Annotated[
    bool, typer.Option("--requester-pays", help="Pay for the requests, as a requester-pays bucket demands.")
]

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}")
_RUN = re.compile(r"(?:s3://)?([^/]+)/([0-9]{8}T[0-9]{4}Z-[0-9a-f]{4,64})")


def is_run(text: str) -> bool:
    """Tell whether *text* can only mean a run."""
    return _RUN.fullmatch(text) is not None


def split_run(text: str) -> tuple[str, str]:
    """Return the bucket and the run's id; raises `UsageError` for what is not `BUCKET/RUN_ID`."""
    bucket, _, run_id = text.removeprefix("s3://").partition("/")
    if not bucket or not run_id or "/" in run_id:
        raise UsageError(f"'{text}' is not a run.", hint="It is BUCKET/RUN_ID, as apply printed it.")
    return bucket, run_id


def bucket_name(text: str) -> str:
    """Return the name in `BUCKET` or `s3://BUCKET`; raises `UsageError` for anything else."""
    name = text.removeprefix("s3://").removesuffix("/")
    if not _BUCKET.fullmatch(name):
        raise UsageError(f"'{text}' is not a bucket's name.", hint="labelplan runs BUCKET, without a path.")
    return name
