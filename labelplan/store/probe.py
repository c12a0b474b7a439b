"""What an endpoint really does with conditions, found out with canary objects under `.labelplan/probe/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.s3_changing import S3Changing

if TYPE_CHECKING:
    from labelplan.model.run import Capabilities


class S3Probe(S3Changing):
    """A bucket whose server can be tried out."""

    def probe(self) -> Capabilities:
        """See `Writer.probe`."""
        raise NotImplementedError
