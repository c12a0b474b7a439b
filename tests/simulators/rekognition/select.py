"""Cuts a whole answer down to what was asked for: filters, then MinConfidence, then MaxLabels.

A label that is filtered away stays named among the parents of others, as in real answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulators.rekognition.checks import DEFAULT_CONFIDENCE, GeneralLabels, Parameters, Properties

if TYPE_CHECKING:
    from collections.abc import Iterable


def cut(answer: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    """Return *answer* without what was not asked for."""
    kept = {key: value for key, value in answer.items() if key not in {"Labels", "ImageProperties"}}
    labels = _labels(answer["Labels"], parameters) if parameters.wants_labels else []
    if parameters.wants_properties and "ImageProperties" in answer:
        kept["ImageProperties"] = _properties(answer["ImageProperties"], parameters)
    return kept | {"Labels": labels}


def _labels(labels: Iterable[dict[str, Any]], parameters: Parameters) -> list[dict[str, Any]]:
    filters = (parameters.Settings and parameters.Settings.GeneralLabels) or GeneralLabels()
    least = DEFAULT_CONFIDENCE if parameters.MinConfidence is None else parameters.MinConfidence
    passed = [label for label in labels if _passes(label, filters) and label["Confidence"] >= least]
    return passed[: parameters.MaxLabels] if parameters.MaxLabels is not None else passed


def _passes(label: dict[str, Any], filters: GeneralLabels) -> bool:
    name, categories = label["Name"], {category["Name"] for category in label.get("Categories", ())}
    if name in filters.LabelExclusionFilters or categories & set(filters.LabelCategoryExclusionFilters):
        return False
    wanted = bool(filters.LabelInclusionFilters or filters.LabelCategoryInclusionFilters)
    chosen = name in filters.LabelInclusionFilters or categories & set(filters.LabelCategoryInclusionFilters)
    return not wanted or bool(chosen)


def _properties(properties: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    most = ((parameters.Settings and parameters.Settings.ImageProperties) or Properties()).MaxDominantColors
    return {key: _fewer(value, most) for key, value in properties.items()} | {
        "DominantColors": properties.get("DominantColors", [])[:most]
    }


def _fewer(part: Any, most: int) -> Any:
    if isinstance(part, dict) and "DominantColors" in part:
        return part | {"DominantColors": part["DominantColors"][:most]}
    return part
