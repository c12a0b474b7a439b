"""The servers that the stories can be told on, and what each of them cannot."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.pictures import ODD
from tests.servers import running
from tests.simulators.s3.running import Simulator
from tests.simulators.s3.running import running as simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

UNCOMPARED = "simulator-check"
SIMULATED: dict[str, dict[str, bool]] = {
    "simulator": {},
    "simulator-single": {"ignore_bulk_etag": True, "ignore_copy_if_none_match": True},
    UNCOMPARED: {"ignore_bulk_etag": True, "ignore_delete_if_match": True},
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

    def shift_clock(self, seconds: float) -> None:
        """Let the server's clock be so far ahead from now on; only the simulator can."""
        Simulator(self.url, 0).settings(clock_shift=seconds)


@contextmanager
def opened(name: str) -> Iterator[Target]:
    """Run a server for as long as the block."""
    with ExitStack() as at_the_end:
        if name in SIMULATED:
            url = at_the_end.enter_context(simulated(**SIMULATED[name])).url
        else:
            url = at_the_end.enter_context(running.STARTS[name]()).url
        yield connected(name, url)


def connected(name: str, url: str) -> Target:
    """Speak to a server that runs."""
    return Target(name, url, running.client(url), ODD.get(name.partition("-")[0], []))
