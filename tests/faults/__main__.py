"""`python -m tests.faults --server SERVER`: disturb every call of an apply and of an undo, and print what became of it.

From the repository's root. Exits with 1 if anything was lost, or wrong otherwise.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from tests.faults.counting import Count, words
from tests.faults.pictures import MODES
from tests.faults.stories import STORIES
from tests.faults.sweep import share, tasks_of
from tests.faults.targets import NAMES, SIMULATED, UNCOMPARED, opened


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--server", choices=NAMES, default="simulator")
    parser.add_argument("--mode", choices=MODES, action="append", help="the way back; default: versioning and copy")
    parser.add_argument("--story", choices=STORIES, action="append", help="default: all that the server can")
    parser.add_argument("--way", metavar="WAY", help="how to disturb; default: in all ways")
    parser.add_argument("--call", type=int, default=0, metavar="N", help="disturb this call only")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="disturb every Nth call only")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that tell stories")
    return parser.parse_args(arguments)


def main() -> None:
    """Run it."""
    given = parse(sys.argv[1:])
    stories = given.story or [name for name, story in STORIES.items() if given.server in SIMULATED or not story.clock]
    # copies in a bucket without versions are refused where no delete is compared
    modes = given.mode or MODES[: 1 if given.server == UNCOMPARED else 2]
    tasks = [task for task in tasks_of(stories, modes, given.every) if given.way in {None, task.way}]
    if given.call:
        tasks = [replace(task, first=given.call, most=1) for task in tasks]
    count, began = Count(), time.monotonic()
    with opened(given.server) as target:
        for task, points in share(target, tasks, given.jobs):
            print(f"{task.mode}, {task.story}, {task.way}: {len(points)} points", file=sys.stderr)  # noqa: T201 - talk
            for point in points:
                count.add(point)
                if point.faults:
                    print(words(point), flush=True)  # noqa: T201 - the result
    print(*count.table(), sep="\n")  # noqa: T201 - the result
    print(f"{given.server}, every {given.every}. call, {time.monotonic() - began:,.0f} s")  # noqa: T201 - the result
    sys.exit(bool(count.bad))


if __name__ == "__main__":
    main()
