"""`labelplan verify`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, KeyOption, SignersOption, TrustOwnKeyOption, make_app, result
from labelplan.cli.trusting import trust_here
from labelplan.view.plan_text import totals_line
from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.flow.verify import VerifiedPlan
    from labelplan.planfile.trust import Trust

app = make_app(COMMANDS["verify"])


@app.command(epilog="Example: labelplan verify deer.plan.json --signers signers.yaml")
def verify(  # noqa: PLR0913 - a command's options
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A signed plan.")],
    *,
    signers: SignersOption = None,
    key: KeyOption = None,
    trust_own_key: TrustOwnKeyOption = False,
    expect_digest: Annotated[
        str | None, typer.Option("--expect-digest", help="Accept only the plan whose statement has this SHA-256.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also decode every answer of the detector, strictly.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also decide every object again, from the answers in the plan.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of a plan, its signatures, who made them, and its expiry; changes nothing, calls nobody.

    Says who signed, for which bucket, how much would be deleted, and the digest by which reviewers can name this plan.
    """
    from labelplan.flow.verify import check_answers, verify_plan  # noqa: PLC0415 - help must not wait for it

    trust = trust_here(signers, key, trust_own_key=trust_own_key)
    with verify_plan(plan, trust, dt.datetime.now(dt.UTC), expect_digest) as verified:
        if deep:
            check_answers(verified.plan)
        if replay:
            from labelplan.flow.recheck import replay as decide_again  # noqa: PLC0415 - a moment that only this pays

            decide_again(verified.plan.header, verified.plan.decisions())
        view = _view(verified, trust)
    result(json.dumps(view, ensure_ascii=False) if as_json else "\n".join(_lines(view)))


def _view(verified: VerifiedPlan, trust: Trust) -> dict[str, Any]:
    from msgspec import to_builtins  # noqa: PLC0415 - help must not wait for it

    predicate = verified.plan.statement.predicate
    return {
        "plan": str(verified.plan.path),
        "verified": True,
        "author": verified.endorsement.author,
        "approvers": verified.endorsement.approvers,
        "keyids": verified.signers,
        "not_trusted": verified.endorsement.others,
        "trust": trust.source,
        "target": to_builtins(predicate.target),
        "totals": to_builtins(predicate.totals),
        "created": predicate.created.isoformat(),
        "expires": predicate.expires.isoformat(),
        "partial": predicate.partial,
        "statement_sha256": verified.plan.statement_sha256,
    }


def _lines(view: dict[str, Any]) -> Iterator[str]:
    target, totals = view["target"], view["totals"]
    where = [f"s3://{target['bucket']}", target["region"], target["account"], target["endpoint"]]
    yield f"Verified {printable(view['plan'])}"
    yield f"  signed by    {printable(view['author'])} ({view['keyids'][0]})"
    yield f"  approved by  {printable(', '.join(view['approvers']) or 'nobody else')}"
    for keyid, why in view["not_trusted"].items():
        yield f"  also signed  {keyid} (not trusted here: {printable(why)})"
    yield f"  trusted by   {printable(view['trust'])}"
    yield f"  target       {printable(', '.join(filter(None, where)))}"
    yield f"  expires      {view['expires']}"
    yield f"  statement    sha256:{view['statement_sha256']}"
    if view["partial"]:
        yield f"  partial      {printable(view['partial'])}: it never applies"
    yield f"{totals_line(totals)} {totals['delete_bytes']:,} bytes would go."
