"""What a bucket's configuration says about how long a way back lasts. Reading only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.s3_changing import S3Changing

if TYPE_CHECKING:
    from labelplan.model.protection import Protection


class S3Protection(S3Changing):
    """A bucket whose configuration can be read."""

    def protection(self) -> Protection:
        """See `Writer.protection`."""
        raise NotImplementedError
