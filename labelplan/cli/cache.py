"""`labelplan cache stats` and `labelplan cache prune`: what is kept of the detector's answers, and throwing it away."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelplan.cli.consent import AutoApproveOption, ask
from labelplan.cli.opening import cache_path, open_own_cache
from labelplan.cli.output import JsonOption, make_app, result, talk
from labelplan.errors import UsageError

if TYPE_CHECKING:
    from labelplan.detect.cache import CacheStats

app = make_app("Show or prune the answers that are kept", example="Example: labelplan cache stats")

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@app.command(epilog="Example: labelplan cache stats --json")
def stats(*, as_json: JsonOption = False) -> None:
    """Show where the answers are kept, how many of each kind, and the room they take."""
    kept = _count()
    if as_json:
        result(json.dumps({**_place(kept), **_totals(kept), "kinds": _kinds(kept)}, ensure_ascii=False, indent=2))
        return
    result(f"Cache: {cache_path()}, {_room(kept.bytes)}\nKept:  {_words(kept)}")
    for kind in _kinds(kept):
        result(f"\n{kind['kind']}\n  {_amount(kind)}, from {kind['oldest'][:10]} to {kind['newest'][:10]}")


@app.command(epilog="Example: labelplan cache prune --older-than 90d")
def prune(
    *,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="What was kept longer ago: 90d, 12h, 8w.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
    kind: Annotated[str | None, typer.Option(help="Of this kind only, as stats prints it.", show_default=False)] = None,
    auto_approve: AutoApproveOption = False,
    as_json: JsonOption = False,
) -> None:
    """Throw kept answers away, and give their room back to the disk. A plan that needs them pays for them again."""
    if everything == (older_than is not None):
        raise UsageError("Say what to prune: either --older-than AGE or --all.")
    age = None if older_than is None else _age(older_than)
    before = _count(age, kind)
    after, nothing = before, before.answers + before.refusals == 0
    if not nothing:
        talk(f"{_words(before)} would be thrown away; a plan that needs them {_price(before)}.")
        ask(auto_approve=auto_approve)
        after = _prune(age, kind)
    if as_json:
        result(json.dumps({**_place(after), "bytes_before": before.bytes, **_totals(before)}, ensure_ascii=False))
    elif nothing:
        result("There is nothing like that in the cache.")
    else:
        result(f"Pruned: {_words(before)}; the cache takes {_room(after.bytes)} now, and took {_room(before.bytes)}.")


def _count(age: dt.timedelta | None = None, kind: str | None = None) -> CacheStats:
    """Count what is kept; a cache that is not there is not made."""
    from labelplan.detect.cache import CacheStats  # noqa: PLC0415 - help must not wait for it

    if not cache_path().exists():
        return CacheStats((), 0)
    with open_own_cache() as cache:
        return cache.stats(older_than=age, kind=kind)


def _prune(age: dt.timedelta | None, kind: str | None) -> CacheStats:
    with open_own_cache() as cache:
        cache.prune(older_than=age, kind=kind)
        return cache.stats()


def _age(text: str) -> dt.timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([hdw])", text)
    if not found:
        raise UsageError(f"'{text}' is no age.", hint="Write 90d for 90 days; 12h and 8w are hours and weeks.")
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


def _place(kept: CacheStats) -> dict[str, Any]:
    return {"path": str(cache_path()), "bytes": kept.bytes}


def _totals(kept: CacheStats) -> dict[str, int]:
    return {"answers": kept.answers, "refusals": kept.refusals}


def _kinds(kept: CacheStats) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "answers": one.answers,
            "refusals": one.refusals,
            "oldest": _when(one.oldest),
            "newest": _when(one.newest),
        }
        for one in kept.kinds
    ]


def _when(seconds: int) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OSError, OverflowError, TypeError, ValueError):  # a damaged file
        return "unknown"


def _words(kept: CacheStats) -> str:
    return _amount(_totals(kept))


def _amount(totals: dict[str, Any]) -> str:
    return f"{_many(totals['answers'], 'answer')}, {_many(totals['refusals'], 'refusal')}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _price(kept: CacheStats) -> str:
    """Say what it costs to get them again; AWS's words on refusals leave open whether they are billed."""
    from labelplan.model.price import cost  # noqa: PLC0415 - help must not wait for it

    paid = sum(one.answers for one in kept.kinds if one.kind.startswith("rekognition"))
    dollars = max(cost(paid), Decimal("0.01"))
    return f"pays about ${dollars:,.2f} for them again" if paid else "asks for them again, at no cost"


def _room(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
