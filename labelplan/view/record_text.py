"""The text view of run records, rendered from what `runs --json` and `show RUN --json` print, so that they agree."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from labelplan.view.other_text import Other, other_lines
from labelplan.view.run_text import APPLY_WORDS, UNDO_WORDS
from labelplan.view.style import printable
from labelplan.view.way_back_text import STRATEGIES, copies_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labelplan.view.style import Style

PURGE_WORDS = {"erased": "erased for good", "kept": "kept", "failed": "failed"}

_HONOURED = {
    "bulk_delete": "ETags in bulk deletes",
    "single_delete": "If-Match on deletes",
    "copy_source": "the ETag of what is copied",
    "copy_absent": "If-None-Match on copies",
    "put_absent": "If-None-Match on writes",
    "put_match": "If-Match on writes",
    "tags": "tags",
}


def runs_lines(bucket: str, runs: Iterable[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """Yield a line for each run of a bucket, oldest first."""
    count = 0
    for run in runs:
        count += 1
        if run["start"] is None:
            yield f"{run['run']}  {style.yellow(run['state'])}  {printable(run['message'])}"
            continue
        start = run["start"]
        began = f"begun {when(start['started'])}, planned by {printable(start['signer'])}"
        parts = [_state(run, style), began, *_ends(run), _until(run)]
        yield f"{style.bold(run['run'])}  {', '.join(filter(None, parts))}"
    if not count:
        yield f"s3://{bucket} has no runs."


def story_lines(bucket: str, story: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Yield the lines of one run: what it is, what was found about the server, what became of the objects."""
    run = story["summary"]
    start = run["start"]
    target = start["target"]
    where = ", ".join(filter(None, [target["region"], target["account"] and f"account {target['account']}"]))
    at = f" at {printable(target['endpoint'])}" * bool(target["endpoint"])
    yield f"{style.bold(bucket + '/' + run['run'])}: {_state(run, style)}"
    yield f"  bucket    s3://{printable(target['bucket'])}  ({printable(where)}){at}"
    yield f"  plan      sha256:{printable(start['statement_sha256'])}, planned by {printable(start['signer'])}"
    yield f"  started   {when(start['started'])}"
    yield from (f"  {name:<9} {when(run[name]['finished'])}" for name in ("applied", "undone", "purged") if run[name])
    yield f"  way back  {_way_back(bucket, run)}"
    yield f"  deletes   {STRATEGIES[start['strategy']]}"
    yield from _probe_lines(start["capabilities"])
    yield from _part("Apply", story["counts"], APPLY_WORDS, story["others"], style)
    if story["undo_counts"]:
        yield from _part("Undo", story["undo_counts"], UNDO_WORDS, story["undo_others"], style)
    if run["purged"]:
        yield from _part("Purge", run["purged"]["counts"], PURGE_WORDS, (), style)
    elif run["state"] != "undone":
        yield f"Undo with: labelplan undo {bucket}/{run['run']}"


def when(text: str) -> str:
    """Write a time of a record as people do; what is none, as it stands."""
    try:
        return f"{dt.datetime.fromisoformat(text).astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return printable(text)


def _state(run: Mapping[str, Any], style: Style) -> str:
    paint = {"complete": style.green, "undone": style.green, "purged": style.red}.get(run["state"], style.yellow)
    busy = f" ({printable(run['at_work'])} is at work)" if run["at_work"] else ""
    return paint(run["state"]) + busy


def _ends(run: Mapping[str, Any]) -> Iterator[str]:
    for name, words in (("applied", APPLY_WORDS), ("undone", UNDO_WORDS), ("purged", PURGE_WORDS)):
        if run[name]:
            yield from _told(run[name]["counts"], words) or [f"0 {next(iter(words.values()))}"]


def _told(counts: Mapping[str, int], words: Mapping[str, str]) -> list[str]:
    return [f"{counts[one]:,} {word}" for one, word in words.items() if counts.get(one)]


def _until(run: Mapping[str, Any]) -> str:
    until = run["start"]["undo_until"]
    if run["state"] in {"undone", "purged"}:
        return ""
    return f"undo until {when(until)}" if until else "nothing known ends its way back"


def _way_back(bucket: str, run: Mapping[str, Any]) -> str:
    if run["purged"]:
        return "none any more: it was ended on purpose"
    start = run["start"]
    backup, until = start["backup"], start["undo_until"]
    place = f"copies under {copies_at(backup['bucket'] or bucket, backup['prefix'], run['run'])}"
    kind = "the versions of the bucket" if backup["mode"] == "versioning" else printable(place)
    return f"{kind}, until {when(until)}" if until else f"{kind}; when the run began, nothing ended it"


def _probe_lines(capabilities: Mapping[str, bool]) -> Iterator[str]:
    honoured = [word for name, word in _HONOURED.items() if capabilities[name]]
    ignored = [word for name, word in _HONOURED.items() if not capabilities[name]]
    yield f"  server    honours {', '.join(honoured) or 'no condition'}"
    if ignored:
        yield f"            ignores {', '.join(ignored)}"


def _part(
    verb: str, counts: Mapping[str, int], words: Mapping[str, str], others: Iterable[Mapping[str, Any]], style: Style
) -> Iterator[str]:
    shown = [Other(one["key"], one["outcome"], one.get("message", "")) for one in others]
    yield f"{verb}: {', '.join(_told(counts, words)) or 'nothing yet'}"
    yield from other_lines(shown, style)
    more = sum(counts.get(outcome, 0) for outcome in ("changed", "gone", "left", "failed")) - len(shown)
    if more > 0 and shown:
        yield f"  … and {more:,} more (all of them: --json)"
