"""What an answer is kept under: its *kind* (who was asked, and how) and its *content* (which bytes were looked at).

Two images share a content only if their bytes are the same, as far as MD5 and the size can tell; what S3 gives no MD5
of (a multipart upload) has a content for each of its versions. Nothing is read here, and nothing kept.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from labelplan.model.objects import LocalImage

if TYPE_CHECKING:
    from labelplan.model.objects import Image, S3Object, Target
    from labelplan.model.spec import DetectorSettings

_MD5 = re.compile("[0-9a-f]{32}")

_MD5_OF_NOTHING = hashlib.md5(b"", usedforsecurity=False).hexdigest()
"""Some servers give it to objects that are not empty, for want of the right one."""

MOST_ALIKE = 16
"""Digits of an MD5 like its first: so many come by chance once in billions, and then only the sharing is lost."""

_SIZE_BYTES = 6
"""Enough for 256 TiB; S3's largest object has 50 TB."""


def kind_of(identity: str, settings: DetectorSettings, *, converted: bool = False) -> str:
    """Name everything besides the image that changes an answer; *converted*: whether the image was re-encoded first.

    *identity* is the detector's. Two kinds are the same text only if all of it is the same.
    """
    asked = f"max_labels={settings.max_labels} min_confidence={float(settings.min_confidence)!r}"
    return f"{identity} {asked}{' converted' if converted else ''}"


def content_of(image: Image, target: Target) -> bytes:
    """Return the 22 bytes of MD5 and size where S3 knows the MD5, or image is a local file; else a digest of 32 bytes.

    The digest is of where the object is and which version: the version id alone is `null` for every object of a bucket
    without versioning. Raises `OverflowError` for a size that no store has.
    """
    if isinstance(image, LocalImage):
        md5 = hashlib.md5(image.content, usedforsecurity=False).digest()
        return md5 + len(image.content).to_bytes(_SIZE_BYTES, "big")
    if _is_md5(image):
        return bytes.fromhex(image.etag) + image.size.to_bytes(_SIZE_BYTES, "big")
    return _place(image, target)


def _is_md5(item: S3Object) -> bool:
    """Tell whether the ETag is the content's MD5, and not what a server gives all objects alike, such as 32 zeros."""
    etag = item.etag
    if not _MD5.fullmatch(etag) or etag.count(etag[0]) >= MOST_ALIKE:
        return False
    return etag != _MD5_OF_NOTHING or item.size == 0


def _place(item: S3Object, target: Target) -> bytes:
    """Digest which version of which object it is, each part with its length before it."""
    digest = hashlib.sha256()
    for part in (target.endpoint, target.bucket, item.key, item.version_id, item.etag, str(item.size)):
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()
