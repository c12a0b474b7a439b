"""`python -m tests.faults.rewinding`: the simulated S3, which can also put buckets back to how they once were.

Two paths more: POST /_sim/keep names a *moment* and the *buckets* of which all is kept, versions, markers, settings and
the numbers of the versions to come; POST /_sim/rewind makes them so again. The server's clock goes on.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import msgspec

from tests.simulators.s3 import admin
from tests.simulators.s3.__main__ import main

if TYPE_CHECKING:
    from tests.simulators.s3.wire import Request
    from tests.simulators.s3.world import World

_MOMENTS: dict[str, bytes] = {}


class _Keep(msgspec.Struct):
    moment: str
    buckets: list[str]


class _Rewind(msgspec.Struct):
    moment: str


def _keep(world: World, request: Request) -> Any:
    asked = msgspec.json.decode(request.body, type=_Keep)
    _MOMENTS[asked.moment] = pickle.dumps({name: world.buckets[name] for name in asked.buckets})
    return {}


def _rewind(world: World, request: Request) -> Any:
    moment = msgspec.json.decode(request.body, type=_Rewind).moment
    world.buckets.update(pickle.loads(_MOMENTS[moment]))  # noqa: S301 - pickled above
    return {}


if __name__ == "__main__":
    admin._HANDLERS |= {("POST", "keep"): _keep, ("POST", "rewind"): _rewind}
    main()
