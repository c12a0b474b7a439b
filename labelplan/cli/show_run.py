"""`labelplan show BUCKET/RUN_ID`: one run, from its record in the bucket."""

from __future__ import annotations

import json

from msgspec import to_builtins

from labelplan.cli.output import colour, result
from labelplan.view.record_text import story_lines
from labelplan.view.style import Style

SHOWN = 100
"""How many of the objects that were not deleted, or not brought back, the text names."""


def show_run(bucket: str, run_id: str, *, requester_pays: bool, as_json: bool) -> None:
    """Print what a run's record tells, as text or as one JSON object."""
    from labelplan.flow.runs import read_run  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.store.s3 import open_writer  # noqa: PLC0415 - as above

    # the owner may be another account than the caller's
    writer = open_writer(bucket, account="", requester_pays=requester_pays)
    story = to_builtins(read_run(writer, run_id, None if as_json else SHOWN))
    if as_json:
        result(json.dumps({"format": "labelplan/show-run/1", "bucket": bucket, **story}, ensure_ascii=False))
        return
    for line in story_lines(bucket, story, Style(colour())):
        result(line)
