"""The servers that the stories can be told on, and what each of them cannot."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.faults.pictures import ODD
from tests.servers import running
from tests.simulators.process import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

OK = 200
UNCOMPARED = "simulator-check"
SIMULATED: dict[str, list[str]] = {
    "simulator": ["--only-count"],
    "simulator-single": ["--only-count", "--ignore-bulk-etag", "--ignore-copy-if-none-match"],
    UNCOMPARED: ["--only-count", "--ignore-bulk-etag", "--ignore-delete-if-match"],
}
"""The simulated S3, as AWS is and as others are: where each object is deleted by itself, or only looked at before."""

NAMES = (*SIMULATED, "ministack", "seaweedfs", "moto")


@dataclass(frozen=True)
class Target:
    """A running server. *odd*: keys that it can hold besides the usual ones."""

    name: str
    url: str
    s3: S3Client
    odd: list[str]

    @property
    def compares(self) -> bool:
        """Whether it compares the ETag when it deletes."""
        return self.name != UNCOMPARED

    @property
    def rewinds(self) -> bool:
        """Whether buckets can be put back to how they once were; only the simulator's can."""
        return self.name in SIMULATED

    def keep(self, moment: str, buckets: list[str]) -> None:
        """Keep what is in some buckets, to `rewind` to."""
        self._ask("keep", moment=moment, buckets=buckets)

    def rewind(self, moment: str) -> None:
        """Put the buckets of a moment back to how they were."""
        self._ask("rewind", moment=moment)

    def shift_clock(self, seconds: float) -> None:
        """Let the server's clock be so far ahead from now on; only the simulator can."""
        self._ask("settings", clock_shift=seconds)

    def _ask(self, what: str, **body: Any) -> None:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request("POST", f"/_sim/{what}", json.dumps(body))
            reply = connection.getresponse()
            said = reply.read()
        finally:
            connection.close()
        if reply.status != OK:
            raise ValueError(said.decode())


@contextmanager
def opened(name: str) -> Iterator[Target]:
    """Run a server for as long as the block."""
    with ExitStack() as at_the_end:
        if name in SIMULATED:
            url, _ = at_the_end.enter_context(started("tests.faults.rewinding", SIMULATED[name]))
        else:
            url = at_the_end.enter_context(running.STARTS[name]()).url
        yield connected(name, url)


def connected(name: str, url: str) -> Target:
    """Speak to a server that runs."""
    return Target(name, url, running.client(url), ODD.get(name.partition("-")[0], []))
