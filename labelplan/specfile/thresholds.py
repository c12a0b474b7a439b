"""Thresholds against the least confidence that the detector returns.

A threshold below it would act as if it were that high, and nobody would see it: labels in between never come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.model.spec import NEVER
from labelplan.specfile.build import MIN_CONFIDENCE, THRESHOLD
from labelplan.specfile.parts import items, mapping, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.model.spec import Service
    from labelplan.specfile.parts import Named
    from labelplan.specfile.text import Value, Where


def low_thresholds(spec: Mapping[str, Value], rules: Mapping[str, Value]) -> Iterator[Named]:
    """Yield every threshold below the least confidence, given or default."""
    detector = mapping(spec.get("detector"))
    service: Service = "local" if detector.get("service") == "local" else "rekognition"
    least = number(detector.get("min_confidence", MIN_CONFIDENCE[service]))
    if least is None or not 0 <= least <= NEVER:
        return
    for where, threshold in _all_thresholds(spec, rules):
        if 0 <= threshold < least:
            yield where, _too_low(f"{threshold:g}", service, detector, least)
    needed = any("threshold" not in mapping(rule) for rule in rules.values())
    if "threshold" not in spec and needed and THRESHOLD[service] < least:
        yield (
            ("detector", "min_confidence"),
            f"{least:g} is above the default threshold of {THRESHOLD[service]:g}: write a 'threshold' too",
        )


def _too_low(threshold: str, service: Service, detector: Mapping[str, Value], least: float) -> str:
    given = "" if "min_confidence" in detector else f" (the default with service {service})"
    return (
        f"{threshold} is below detector.min_confidence {least:g}{given}, and labels under that are never returned: "
        "raise this or lower that"
    )


def _all_thresholds(spec: Mapping[str, Value], rules: Mapping[str, Value]) -> Iterator[tuple[Where, float]]:
    parts = [((), spec), *((("labels", name), mapping(rule)) for name, rule in rules.items())]
    for at, part in parts:
        yield from _written(part, at)
        for name in ("accept", "ignore", "exclude"):
            for where, item in items(part, name, at):
                yield from _written(mapping(item), where)


def _written(part: Mapping[str, Value], at: Where) -> Iterator[tuple[Where, float]]:
    if (threshold := number(part.get("threshold"))) is not None:
        yield (*at, "threshold"), threshold
