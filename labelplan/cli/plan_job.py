"""From `plan`'s options to its work: what is opened and checked, in which order, before the flow takes over.

What costs nothing comes first: the spec, whom to trust, the signing key; then the bucket, the detector, the cache.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from labelplan.cli.opening import bucket_of, detector_of, open_own_cache
from labelplan.cli.trusting import trust_here
from labelplan.errors import UsageError
from labelplan.model.price import calls_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.detect.cache import AnswerCache
    from labelplan.detect.interface import Detector
    from labelplan.flow.observe import Estimate, Observer
    from labelplan.flow.plan import Planned, SpecSource
    from labelplan.flow.scope import Scope
    from labelplan.flow.verify import VerifiedPlan
    from labelplan.model.objects import Target
    from labelplan.model.spec import Spec
    from labelplan.planfile.keys import Signer
    from labelplan.store.interface import Reader

MOST_USD, MOST_CALLS, MOST_TPS = 1_000_000, 1_000_000_000, 10_000
"""As in the spec's schema."""


@dataclass(frozen=True)
class Limits:
    """What the command line allows: dollars, paid calls, calls a second; None where it says nothing."""

    usd: float | None = None
    calls: int | None = None
    tps: float | None = None

    def check(self) -> None:
        """Raise `UsageError` for a number that makes no sense."""
        if self.usd is not None and not 0 <= self.usd <= MOST_USD:  # what is no number at all fails as well
            raise UsageError(f"--max-usd {self.usd:.15g} is not an amount from 0 to {MOST_USD:,} dollars.")
        if self.calls is not None and not 0 <= self.calls <= MOST_CALLS:
            raise UsageError(f"--max-calls {self.calls} is not a number from 0 to {MOST_CALLS:,}.")
        if self.tps is not None and not 0 < self.tps <= MOST_TPS:
            raise UsageError(f"--tps {self.tps:.15g} is not a number of calls a second: more than 0, to {MOST_TPS:,}.")

    def lowered(self, spec: Spec) -> Spec:
        """Return the spec with the smallest budget of all; raises `UsageError` where a limit means nothing for it."""
        if self.tps is not None and spec.detector.service == "local":
            raise UsageError("--tps: the local detector has no quota to keep to.", hint="Leave it out.")
        budgets = [spec.max_calls, self.calls, None if self.usd is None else calls_for(self.usd)]
        return msgspec.structs.replace(spec, max_calls=min((b for b in budgets if b is not None), default=None))


@dataclass(frozen=True)
class Asked:
    """The options that decide what is planned, and for whom."""

    spec: Path
    limits: Limits
    earlier: tuple[Path, ...]
    rules: tuple[str, ...]
    sample: int | None
    key: str | None
    signers: Path | None
    trust_own_key: bool


@dataclass(frozen=True)
class Job:
    """Everything that planning takes, open. *signer*: None for an estimate, which signs nothing."""

    source: SpecSource
    scope: Scope
    target: Target
    reader: Reader
    detector: Detector
    cache: AnswerCache
    signer: Signer | None
    signers_sha256: str | None
    earlier: tuple[VerifiedPlan, ...]

    def take_earlier(self) -> Iterator[tuple[Path, int]]:
        """Take the answers of each earlier plan into the cache; yield its path, and how many they were."""
        from labelplan.flow.earlier import take_answers  # noqa: PLC0415 - help must not wait for what planning needs

        for verified in self.earlier:
            identity = self.detector.identity
            taken = take_answers(verified.plan, self.source, self.target, self.reader, identity, self.cache)
            yield verified.plan.path, taken

    def estimate(self, observer: Observer) -> Estimate:
        """Find out what it would take."""
        from labelplan.flow.plan import estimate_plan  # noqa: PLC0415 - as above

        ports = (self.source, self.target, self.reader, self.detector, self.cache)
        return estimate_plan(*ports, observer=observer, scope=self.scope)

    def make(self, path: Path, observer: Observer) -> Planned:
        """Make the plan; only with a signer."""
        from labelplan.flow.plan import make_plan  # noqa: PLC0415 - as above

        if self.signer is None:
            msg = "a plan needs a signer"
            raise ValueError(msg)
        return make_plan(
            self.source,
            self.target,
            self.reader,
            self.detector,
            self.cache,
            self.signer,
            path,
            now=dt.datetime.now(dt.UTC),
            observer=observer,
            signers_sha256=self.signers_sha256,
            scope=self.scope,
        )


@contextlib.contextmanager
def open_job(asked: Asked, *, signing: bool) -> Iterator[Job]:
    """Open all that planning takes; *signing*: whether a plan will be signed. Pays nothing."""
    from labelplan.flow.plan import SpecSource  # noqa: PLC0415 - as above
    from labelplan.flow.scope import Scope  # noqa: PLC0415 - as above
    from labelplan.planfile.keys import find_signer  # noqa: PLC0415 - as above
    from labelplan.planfile.trust import signers_digest  # noqa: PLC0415 - as above
    from labelplan.specfile.load import load_spec  # noqa: PLC0415 - as above
    from labelplan.specfile.references import read_local_references  # noqa: PLC0415 - as above

    loaded = load_spec(asked.spec)
    spec = asked.limits.lowered(loaded.spec)
    source = SpecSource(spec, loaded.data, loaded.sha256, read_local_references(loaded))
    scope = Scope(asked.rules, asked.sample)
    scope.chosen(spec)  # a name that is not there is told before the network is asked
    with contextlib.ExitStack() as opened:
        earlier = _earlier(asked, opened)
        signer = find_signer(asked.key, os.environ) if signing else None
        digest = signers_digest(asked.signers, os.environ, Path.cwd())
        reader = bucket_of(spec)
        target = reader.target()
        detector = opened.enter_context(contextlib.closing(detector_of(spec, target, reader, asked.limits.tps)))
        cache = opened.enter_context(open_own_cache())
        yield Job(source, scope, target, reader, detector, cache, signer, digest, earlier)


def _earlier(asked: Asked, opened: contextlib.ExitStack) -> tuple[VerifiedPlan, ...]:
    """Open the earlier plans, each verified as `labelplan verify` would, but for its expiry."""
    from labelplan.flow.verify import verify_plan  # noqa: PLC0415 - as above

    if not asked.earlier:
        return ()
    trust, now = trust_here(asked.signers, asked.key, trust_own_key=asked.trust_own_key), dt.datetime.now(dt.UTC)
    return tuple(opened.enter_context(verify_plan(path, trust, now, allow_expired=True)) for path in asked.earlier)
