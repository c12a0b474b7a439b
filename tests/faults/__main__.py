"""`python -m tests.faults --server SERVER`: disturb every call of an apply and of an undo, and print what became of it.

From the repository's root. Exits with 1 if anything was lost, or wrong otherwise, or if a call of which each was to be
disturbed was not.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from tests.faults import points
from tests.faults.counting import Count, words
from tests.faults.pictures import MODES
from tests.faults.stories import STORIES
from tests.faults.sweep import Told, tasks_of, workers
from tests.faults.targets import NAMES, SIMULATED, UNCOMPARED, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.faults.points import At, Calls
    from tests.faults.sweep import Workers

ROUNDS = 3
"""So often what was not met is tried again: where several threads send, not always the same call has a number."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--server", choices=NAMES, default="simulator")
    parser.add_argument("--mode", choices=MODES, action="append", help="the way back; default: versioning and copy")
    parser.add_argument("--story", choices=STORIES, action="append", help="default: all that the server can")
    parser.add_argument("--way", metavar="WAY", help="how to disturb; default: in all ways")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--call", type=int, default=0, metavar="N", help="disturb this call only")
    which.add_argument("--every", type=int, default=1, metavar="N", help="disturb every Nth call only")
    which.add_argument("--once", action="store_true", help="disturb every call once, the ways in turn")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that tell stories")
    return parser.parse_args(arguments)


def stories(given: argparse.Namespace) -> list[Told]:
    """List what is told."""
    names = given.story or [name for name, story in STORIES.items() if given.server in SIMULATED or not story.clock]
    # copies in a bucket without versions are refused where no delete is compared
    modes = given.mode or MODES[: 1 if given.server == UNCOMPARED else 2]
    return [Told(name, mode) for mode in modes for name in names]


def chosen(given: argparse.Namespace, story: str, calls: Calls) -> list[At]:
    """Choose what is disturbed in a story."""
    ways = {name: way for name, way in STORIES[story].ways.items() if given.way in {None, name}}
    if given.call:
        return [points.At(way, given.call) for way in ways]
    return list(points.once(ways, calls) if given.once else points.every(ways, calls, given.every))


def tell(told_by: Workers, chosen: Mapping[Told, Sequence[At]], count: Count) -> None:
    """Tell all, and say what is wrong at once."""
    for task, told in told_by.tell(tasks_of(chosen)):
        for point in told:
            count.add(point)
            if point.faults:
                print(words(point), flush=True)  # noqa: T201 - the result
        so_far = f"{task.told.mode}, {task.told.story}: {len(told)} more; {count.points.total():,} points so far"
        print(so_far, file=sys.stderr, flush=True)  # noqa: T201 - talk


def main() -> None:
    """Run it."""
    given = parse(sys.argv[1:])
    count, began = Count(), time.monotonic()
    with opened(given.server) as target, workers(target, given.jobs) as told_by:
        heard = told_by.listen(stories(given))
        for told, (point, calls) in heard.items():
            count.calls[told.mode, told.story] = len(calls)
            if point.faults:
                sys.exit(f"undisturbed, and yet:\n{words(point)}")
        tell(told_by, {told: chosen(given, told.story, calls) for told, (_, calls) in heard.items()}, count)
        for _ in range(ROUNDS if given.once else 0):
            left = {told: count.left((told.mode, told.story)) for told in heard}
            again = {told: list(points.these(STORIES[told.story].ways, some)) for told, some in left.items() if some}
            tell(told_by, again, count)
    print(*count.table(), sep="\n")  # noqa: T201 - the result
    how = "each call once" if given.once else f"every {given.every}. call"
    print(f"{given.server}, {how}, {time.monotonic() - began:,.0f} s")  # noqa: T201 - the result
    sys.exit(bool(count.bad or (given.once and any(map(count.left, count.calls)))))


if __name__ == "__main__":
    main()
