from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, get_args

import pytest

from labelplan.errors import NoWayBack
from labelplan.model.objects import Versioning
from labelplan.model.run import Capabilities, Strategy
from labelplan.rules.strategy import choose_strategy, said

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONINGS: tuple[Versioning, ...] = get_args(Versioning)


def every_server() -> Iterator[Capabilities]:
    for flags in itertools.product((False, True), repeat=len(Capabilities.__struct_fields__)):
        yield Capabilities(*flags)


@pytest.mark.parametrize("versioning", VERSIONINGS)
def test_the_fastest_condition_that_holds_is_used_whatever_else_the_server_can(versioning: Versioning) -> None:
    for found in every_server():
        if found.bulk_delete and found.single_delete:
            assert choose_strategy(found, versioning, "wild") == "bulk"
        elif found.single_delete:
            assert choose_strategy(found, versioning, "wild") == "single"


def test_without_a_condition_only_a_bucket_that_keeps_versions_is_deleted_from() -> None:
    for found in every_server():
        if not found.single_delete:  # also if bulk deletes compare: a key that XML cannot carry goes by itself
            assert choose_strategy(found, "Enabled", "wild") == "check"
            for versioning in VERSIONINGS[1:]:
                with pytest.raises(NoWayBack):
                    choose_strategy(found, versioning, "wild")


def test_a_refusal_says_which_bucket_and_what_to_do() -> None:
    nothing = next(every_server())
    with pytest.raises(NoWayBack, match="versioning of the bucket wild is suspended") as refused:
        choose_strategy(nothing, "Suspended", "wild")
    assert "aws s3api put-bucket-versioning --bucket wild" in refused.value.advice
    assert "wait 15 minutes, as AWS advises, and plan again" in refused.value.advice
    assert refused.value.exit_code == 12


def test_versioning_that_was_never_on_is_off_and_not_disabled_by_anybody() -> None:
    with pytest.raises(NoWayBack, match="versioning of the bucket wild is off"):
        choose_strategy(next(every_server()), "Disabled", "wild")


def test_each_strategy_is_said_in_its_own_words() -> None:
    strategies: tuple[Strategy, ...] = get_args(Strategy)
    assert len({said(strategy) for strategy in strategies}) == 3
    assert "compares no ETags" in said("check")
