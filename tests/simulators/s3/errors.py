"""S3's refusals, with the words that it uses (as far as they are known from recorded answers)."""

from __future__ import annotations

from http import HTTPStatus

BAD, DENIED, ABSENT, CONFLICT, FAILED, NOT_IMPLEMENTED = 400, 403, 404, 409, 412, 501


class Refusal(Exception):
    """An error: *code*, *message*, HTTP *status*, more *headers*, and more *elements* of its body."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = BAD,
        *,
        headers: dict[str, str] | None = None,
        **elements: str,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.headers, self.elements = headers or {}, elements


def disturbance(status: int, code: str, message: str) -> Refusal:
    """Make the error that a rule asks for."""
    said = message or {503: "Please reduce your request rate.", 500: "We encountered an internal error."}.get(status)
    return Refusal(code, said or HTTPStatus(status).phrase, status)


def no_such_bucket(name: str) -> Refusal:
    return Refusal("NoSuchBucket", "The specified bucket does not exist", ABSENT, BucketName=name)


def no_such_key(key: str, headers: dict[str, str] | None = None) -> Refusal:
    return Refusal("NoSuchKey", "The specified key does not exist.", ABSENT, headers=headers, Key=key)


def no_such_version(key: str, version_id: str) -> Refusal:
    return Refusal("NoSuchVersion", "The specified version does not exist.", ABSENT, Key=key, VersionId=version_id)


def invalid_version(version_id: str) -> Refusal:
    return Refusal(
        "InvalidArgument", "Invalid version id specified", ArgumentName="versionId", ArgumentValue=version_id
    )


def invalid(message: str, name: str = "", value: str = "") -> Refusal:
    return Refusal("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


def invalid_request(message: str) -> Refusal:
    return Refusal("InvalidRequest", message)


def malformed() -> Refusal:
    return Refusal(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def failed(condition: str) -> Refusal:
    return Refusal(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", FAILED,
        Condition=condition,
    )  # fmt: skip


def not_implemented(header: str) -> Refusal:
    return Refusal(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        NOT_IMPLEMENTED,
        Header=header,
    )


def denied(message: str = "Access Denied") -> Refusal:
    return Refusal("AccessDenied", message, DENIED)


def locked() -> Refusal:
    return denied("Access Denied because object protected by object lock.")


def expired() -> Refusal:
    return Refusal("ExpiredToken", "The provided token has expired.")


def method_not_allowed(method: str, kind: str, headers: dict[str, str]) -> Refusal:
    message = "The specified method is not allowed against this resource."
    return Refusal("MethodNotAllowed", message, 405, headers=headers, Method=method, ResourceType=kind)


def archived(storage_class: str) -> Refusal:
    message = "The operation is not valid for the object's storage class"
    return Refusal("InvalidObjectState", message, DENIED, StorageClass=storage_class)
