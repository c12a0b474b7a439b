"""Data -> spec: fills in every default. The one place that knows them; the schema repeats them for readers.

Works on data alone, without YAML or the JSON Schema, as a plan rebuilds its spec from the JSON in its header. The types
are checked here once more, for that is where a plan's spec comes in; the finer limits are the schema's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from labelplan.model.price import calls_for
from labelplan.model.spec import (
    NEVER,
    Backup,
    DetectorSettings,
    Evidence,
    GradedLabel,
    Guards,
    LabelRule,
    Pin,
    Service,
    Spec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LABELS = 50
THRESHOLD: dict[Service, float] = {"rekognition": 85, "local": 10}
MIN_CONFIDENCE: dict[Service, float] = {"rekognition": 50, "local": 5}


class _Graded(Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    threshold: float | UnsetType = UNSET


_Names = tuple[str | _Graded, ...]


class _Guards(Struct, frozen=True, forbid_unknown_fields=True):
    max_delete_percent: float | UnsetType = UNSET
    max_delete_count: int | UnsetType = UNSET
    min_keep: int | UnsetType = UNSET


class _Rule(Struct, frozen=True, forbid_unknown_fields=True):
    prefix: str
    references: tuple[str, ...] = ()
    accept: _Names = ()
    ignore: _Names = ()
    threshold: float | UnsetType = UNSET
    exclude: _Names | UnsetType = UNSET
    evidence: Evidence | UnsetType = UNSET
    keep: tuple[str, ...] = ()
    delete: tuple[Pin, ...] = ()
    guards: _Guards = _Guards()


RULE_KEYS = frozenset(_Rule.__struct_fields__)


class _Detector(Struct, frozen=True, forbid_unknown_fields=True):
    service: Service = "rekognition"
    max_labels: int = MAX_LABELS
    min_confidence: float | UnsetType = UNSET
    tps: float | None = None
    convert: bool = False


class _Budget(Struct, frozen=True, forbid_unknown_fields=True):
    max_calls: int | None = None
    max_usd: float | None = None


class _Backup(Struct, frozen=True, forbid_unknown_fields=True):
    mode: Literal["versioning", "copy"] = "versioning"
    bucket: str | UnsetType = UNSET
    prefix: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    account: str | UnsetType = UNSET
    keep_days: int | UnsetType = UNSET


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    bucket: str
    labels: dict[str, _Rule]
    account: str | None = None
    region: str | None = None
    request_payer: Literal["requester"] | None = None
    threshold: float | UnsetType = UNSET
    exclude: _Names = ()
    evidence: Evidence = "any"
    detector: _Detector = _Detector()
    protect: tuple[str, ...] = ()
    guards: _Guards = _Guards()
    budget: _Budget = _Budget()
    backup: _Backup = _Backup()


def build_spec(data: Mapping[str, Any]) -> Spec:
    """Return the spec that checked data describe. Raises `ValueError` if their keys or types are not a spec's."""
    try:
        document = msgspec.convert(data, _Document)
    except msgspec.ValidationError as error:
        msg = f"not a spec: {error}"
        raise ValueError(msg) from None
    return Spec(
        bucket=document.bucket,
        account=document.account,
        region=document.region,
        detector=_detector(document.detector),
        rules=tuple(_rule(name, rule, document) for name, rule in document.labels.items()),
        protect=document.protect,
        max_calls=_calls(document.budget),
        requester_pays=document.request_payer is not None,
        backup=_backup(document.backup),
    )


def _rule(name: str, rule: _Rule, spec: _Document) -> LabelRule:
    threshold = float(_first(rule.threshold, spec.threshold, THRESHOLD[spec.detector.service]))
    return LabelRule(
        name=name,
        prefix=rule.prefix,
        references=rule.references,
        threshold=threshold,
        evidence=_first(rule.evidence, spec.evidence),
        accept=_graded(rule.accept, threshold),
        ignore=_graded(rule.ignore, NEVER),
        exclude=_graded(_first(rule.exclude, spec.exclude), threshold),
        keep=rule.keep,
        delete=rule.delete,
        guards=_guards(rule.guards, spec.guards),
    )


def _first(*values: Any) -> Any:
    """Return the first value that is given: the rule's own, the spec's, the default."""
    return next(value for value in values if value is not UNSET)


def _graded(names: _Names, threshold: float) -> tuple[GradedLabel, ...]:
    return tuple(
        GradedLabel(name, threshold)
        if isinstance(name, str)
        else GradedLabel(name.label, float(_first(name.threshold, threshold)))
        for name in names
    )


def _guards(own: _Guards, spec: _Guards) -> Guards:
    default = Guards()
    return Guards(*(_first(*(getattr(g, name) for g in (own, spec, default))) for name in Guards.__struct_fields__))


def _detector(settings: _Detector) -> DetectorSettings:
    least = float(_first(settings.min_confidence, MIN_CONFIDENCE[settings.service]))
    tps = None if settings.tps is None else float(settings.tps)
    return DetectorSettings(settings.service, settings.max_labels, least, settings.convert, tps)


def _calls(budget: _Budget) -> int | None:
    return budget.max_calls if budget.max_usd is None else calls_for(budget.max_usd)


def _backup(own: _Backup) -> Backup:
    default = Backup()
    return Backup(*(_first(getattr(own, name), getattr(default, name)) for name in Backup.__struct_fields__))
