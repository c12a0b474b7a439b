from __future__ import annotations

import pytest

from labelplan.cli.main import run
from labelplan.cli.run_argument import bucket_name, is_run, split_run
from labelplan.errors import UsageError

RUN = "wild/20261122T1405Z-3f9a"


@pytest.mark.parametrize("text", [RUN, f"s3://{RUN}"])
def test_a_run_is_a_bucket_and_an_id(text: str) -> None:
    assert is_run(text)
    assert split_run(text) == ("wild", "20261122T1405Z-3f9a")


@pytest.mark.parametrize("text", ["", "wild", "wild/", "/20261122T1405Z-3f9a", f"{RUN}/x", "s3://wild"])
def test_what_is_not_a_run_is_refused(text: str) -> None:
    assert not is_run(text)
    with pytest.raises(UsageError, match="is not a run"):
        split_run(text)


@pytest.mark.parametrize("text", ["deer.plan.json", "plans/deer.plan.json", "wild/20261122T1405Z-3F9A", "a/b"])
def test_a_file_s_name_is_no_run(text: str) -> None:
    assert not is_run(text)


@pytest.mark.parametrize("text", ["wild", "s3://wild", "s3://wild/"])
def test_a_bucket_may_be_named_as_an_address(text: str) -> None:
    assert bucket_name(text) == "wild"


@pytest.mark.parametrize("text", ["", "s3://", "wild/deer/", RUN, "s3://wild/deer", "-x", "a b"])
def test_what_is_not_a_bucket_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a bucket's name"):
        bucket_name(text)


def test_purge_alone_is_neither_a_bucket_nor_a_purge(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "purge"]) == 4
    said = capsys.readouterr().err
    assert "'purge' alone could be a bucket, or a run to purge that is missing." in said
    assert "labelplan runs s3://purge lists the bucket's runs" in said


@pytest.mark.parametrize("words", ["purge wild", "purge wild/", "wild wilder", "purge a/b c/d", "prune " + RUN, RUN])
def test_runs_takes_one_bucket_or_one_run_to_purge(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", *words.split()]) == 4
    assert capsys.readouterr().err.startswith("Error: '")
