"""What a bucket's configuration says about how long a way back lasts. Reading only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.model.protection import Expiry, Protection
from labelplan.store.bucket_policy import may_remove_markers
from labelplan.store.errors import explained, said, status
from labelplan.store.s3_reader import S3Reader

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects must be restored before they can be read."""

_SERVER_ERROR = 500
_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED = 404, 405, 501
_NOTHING_THERE = frozenset({_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED})
"""The bucket has no such configuration, or the server knows none."""


class S3Protection(S3Reader):
    """A bucket whose configuration can be read."""

    def protection(self) -> Protection:
        """See `Reader.protection`. Five calls."""
        unread: list[str] = []

        def read(what: str, permission: str, call: Callable[..., Any]) -> Any:
            found = self._configuration(what, call)
            if isinstance(found, str):
                unread.append(f"{what} of {self._bucket} ({permission}): {found}")
                return None
            return found

        rules = read(
            "the lifecycle rules", "s3:GetLifecycleConfiguration", self._reading.get_bucket_lifecycle_configuration
        )
        replication = read(
            "the replication rules", "s3:GetReplicationConfiguration", self._reading.get_bucket_replication
        )
        policy = read("the policy", "s3:GetBucketPolicy", self._reading.get_bucket_policy)
        ownership = read(
            "the ownership controls", "s3:GetBucketOwnershipControls", self._reading.get_bucket_ownership_controls
        )
        removable = None if policy is None else may_remove_markers(policy.get("Policy", "{}"))
        if policy is not None and removable is None:
            unread.append(f"the policy of {self._bucket}: it is not JSON")
        return Protection(
            expiries=None if rules is None else tuple(_expiries(rules.get("Rules", ()))),
            mfa_delete=self._mfa_delete(),
            replicates=None if replication is None else _replicates(replication),
            may_remove_markers=removable,
            acls=None if ownership is None else _acls(ownership),
            unread=tuple(unread),
            bucket=self._bucket,
        )

    def _mfa_delete(self) -> bool:
        with explained(f"read the versioning state of {self._bucket}"):
            return self._reading.get_bucket_versioning(**self._bucket_at).get("MFADelete") == "Enabled"

    def _configuration(self, what: str, call: Callable[..., Any]) -> dict[str, Any] | str:
        """Read a configuration, empty if there is none; or return the server's words why it may not be read."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        with explained(f"read {what} of {self._bucket}"):
            try:
                found: dict[str, Any] = call(**self._bucket_at)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
                    raise
                if status(error) in _NOTHING_THERE:
                    return {}
                if status(error) >= _SERVER_ERROR:
                    raise
                return said(error)
        return found


def _expiries(rules: Iterable[dict[str, Any]]) -> Iterable[Expiry]:
    """Take from the rules what ends something; with a number of versions to keep, as if there were none to keep."""
    for rule in rules:
        if rule.get("Status") != "Enabled":
            continue
        current, old = rule.get("Expiration", {}), rule.get("NoncurrentVersionExpiration")
        moves = [one for one in rule.get("Transitions", ()) if one.get("StorageClass") in _ARCHIVES]
        old_moves = [
            one for one in rule.get("NoncurrentVersionTransitions", ()) if one.get("StorageClass") in _ARCHIVES
        ]
        expiry = Expiry(
            name=rule.get("ID", ""),
            prefix=_prefix(rule),
            days=current.get("Days"),
            noncurrent_days=None if old is None else old.get("NoncurrentDays", 0),
            date=_day(current.get("Date")),
            archive_days=min((one.get("Days", 0) for one in moves if "Date" not in one), default=None),
            noncurrent_archive_days=min((one.get("NoncurrentDays", 0) for one in old_moves), default=None),
            archive_date=min((_day(one["Date"]) or "" for one in moves if "Date" in one), default=None),
        )
        if expiry != Expiry(expiry.name, expiry.prefix):
            yield expiry


def _prefix(rule: dict[str, Any]) -> str:
    """Find the prefix in one of the three places that AWS has for it."""
    within = rule.get("Filter", {})
    found: str = within.get("Prefix") or within.get("And", {}).get("Prefix") or rule.get("Prefix") or ""
    return found


def _day(when: dt.datetime | None) -> str | None:
    return None if when is None else when.date().isoformat()


def _replicates(found: dict[str, Any]) -> bool:
    """Tell whether delete markers are replicated: if a rule says so, or is one of the old kind, without a filter."""
    rules = found.get("ReplicationConfiguration", {}).get("Rules", ())
    return any(
        rule.get("Status") == "Enabled"
        and ("Filter" not in rule or rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled")
        for rule in rules
    )


def _acls(found: dict[str, Any]) -> bool:
    rules = found.get("OwnershipControls", {}).get("Rules", ())
    return all(rule.get("ObjectOwnership") != "BucketOwnerEnforced" for rule in rules)
