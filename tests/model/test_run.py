from __future__ import annotations

from labelplan.model.run import copies_folder


def test_every_run_s_copies_lie_in_the_folder_that_is_looked_at_for_all_runs() -> None:
    assert copies_folder("labelplan/", "20261122T1405Z-3f9a") == "labelplan/runs/20261122T1405Z-3f9a/objects/"
    assert copies_folder("labelplan/", "20261122T1405Z-3f9a").startswith(copies_folder("labelplan/"))
