"""A request's way: who asks, what goes wrong, whose bucket it is, is it denied, the answer, the account of it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.simulators.s3 import policy, xml
from tests.simulators.s3.errors import Refusal, denied, expired
from tests.simulators.s3.ledger import Change, conditions
from tests.simulators.s3.routes import CHANGING, UNKNOWN, handler_of, operation_of
from tests.simulators.s3.wire import Reply
from tests.simulators.s3.world import Call

if TYPE_CHECKING:
    from tests.simulators.s3.rules import Rule
    from tests.simulators.s3.wire import Request
    from tests.simulators.s3.world import World

_ACCESS_KEY = re.compile(r"Credential=([^/,]+)/|^AWS ([^:]+):")
EXPIRED = "EXPIRED"
_REDACTED = frozenset({204, 304})


def answer(world: World, request: Request, request_id: str) -> tuple[Reply, float]:
    """Answer a request; with it, how many seconds later than others it is to be answered."""
    if request.method == "POST" and not request.bucket:
        return _identity(world, request), 0
    operation = operation_of(request)
    call = Call(world, request, operation, _caller(request))
    world.ledger.requests[operation] += 1
    rule = world.rules.meet(operation, request.key)
    try:
        reply = _answer(call, rule)
        code = ""
    except Refusal as refusal:
        code = refusal.code
        world.ledger.refused[f"{operation}:{code}"] += 1
        body = b"" if request.method == "HEAD" or refusal.status in _REDACTED else xml.error(refusal, request_id)
        reply = Reply(refusal.status, xml.TYPE | refusal.headers, body)
    _account(call, reply.status, code)
    return reply, rule.seconds if rule else 0


def _answer(call: Call, rule: Rule | None) -> Reply:
    failure = rule.refusal() if rule else None
    if failure and rule and not rule.after:
        raise failure
    _check_credentials(call)
    handler = handler_of(call.operation)
    if handler is None:
        raise Refusal("NotImplemented", f"{call.request.method} {UNKNOWN}: this request is not simulated.", 501)
    if call.operation not in {"CreateBucket", "ListBuckets"}:
        owner = call.header("x-amz-expected-bucket-owner")
        if call.bucket and owner and owner != call.world.settings.account:
            raise denied()
        policy.check(call)
    reply = handler(call)
    if failure:
        raise failure
    return reply


def _caller(request: Request) -> str:
    found = _ACCESS_KEY.search(request.header("authorization"))
    return (found[1] or found[2]) if found else "anonymous"


def _check_credentials(call: Call) -> None:
    world, caller = call.world, call.caller
    asked = world.asked[caller] = world.asked.get(caller, 0) + 1
    most = world.settings.expire_after
    if caller == EXPIRED or 0 < most < asked:
        raise expired()


def _account(call: Call, status: int, code: str) -> None:
    ledger = call.world.ledger
    ledger.objects += Counter(asked=len(call.objects), refused=len(call.errors))
    if call.world.settings.only_count or not call.operation.startswith(CHANGING):
        return
    request = call.request
    ledger.changes.append(
        Change(
            call.operation,
            request.bucket,
            request.key,
            call.version_id,
            conditions(request.headers),
            status,
            code,
            call.made,
            call.objects,
            call.errors,
        )
    )


def _identity(world: World, request: Request) -> Reply:
    """Answer STS's GetCallerIdentity, so that one URL will do for a client."""
    account, caller = world.settings.account, _caller(request)
    said = {"Arn": f"arn:aws:iam::{account}:user/{caller}", "UserId": caller, "Account": account}
    result = f"<GetCallerIdentityResult>{xml.elements(said)}</GetCallerIdentityResult>"
    space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
    body = f"<GetCallerIdentityResponse {space}>{result}</GetCallerIdentityResponse>"
    return Reply(200, {"Content-Type": "text/xml"}, body.encode())
