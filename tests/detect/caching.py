"""Answers to keep, and processes of their own that use a cache: what they do is told line by line."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

from labelplan.detect.cache import open_cache
from labelplan.errors import CacheUnusable
from labelplan.model.response import strict_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.model.response import Answered

KIND = "rekognition max_labels=50 min_confidence=50.0"


def answer(name: str = "Deer", model: str = "3.0") -> Answered:
    return strict_answer(f'{{"Labels":[{{"Name":"{name}","Confidence":100}}],"LabelModelVersion":"{model}"}}'.encode())


def content(number: int) -> bytes:
    return number.to_bytes(22, "big")


class Running:
    """A job in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], lines: IO[str]) -> None:
        self._process = process
        self._lines = lines

    def told(self) -> str:
        """Wait for its next line."""
        return self._lines.readline()

    def rest(self) -> list[str]:
        """Wait for its end, and return the lines that were not read yet."""
        return self._lines.read().splitlines()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def process(job: str, path: Path, seed: int = 0) -> Iterator[Running]:
    """Run one of the jobs below, which is killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.detect.caching", job, str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:  # noqa: S603 - a job of ours
        assert started.stdout
        running = Running(started, started.stdout)
        try:
            yield running
        finally:
            running.kill()


def tell(what: object) -> None:
    print(what, flush=True)  # noqa: T201 - how a job tells what it does


def keep_on(path: Path, _seed: int) -> None:
    """Claim a content that is never answered, then keep answers and tell each one's number, until killed."""
    with open_cache(path) as cache:
        first = cache.stats().answers
        cache.claim(KIND, b"held")
        for number in count(first):
            cache.claim(KIND, content(number))
            cache.keep(KIND, content(number), answer(f"Label {number}"))
            tell(number)


def ask_all(path: Path, seed: int) -> None:
    """Answer 300 contents in an order of its own, and tell each that it has asked about."""
    todo = [content(number) for number in range(300)]
    random.Random(seed).shuffle(todo)  # noqa: S311 - an order, no secret
    with open_cache(path) as cache:
        while todo:
            match cache.claim(KIND, one := todo.pop(0)):
                case "theirs":
                    todo.append(one)
                case "mine":
                    tell(int.from_bytes(one, "big"))
                    cache.keep(KIND, one, answer())


def open_as_nobody(path: Path, _seed: int) -> None:
    """Tell what opening a cache says to somebody who may not write there."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        open_cache(path).close()
    except CacheUnusable as error:
        tell(error.what)


if __name__ == "__main__":
    {"keep_on": keep_on, "ask_all": ask_all, "open_as_nobody": open_as_nobody}[sys.argv[1]](
        Path(sys.argv[2]), int(sys.argv[3])
    )
