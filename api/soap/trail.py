"""The audit trail over SOAP."""

from __future__ import annotations

import json
from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode

from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.access.chain import LineKind, Recorded
from domain.period import utc
from domain.ports.access import TrailFilter
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_customer import get_customer
from domain.usecases.list_trail import list_anchors, list_trail

PAGE: Final = 200
KindOfLine: Final = Unicode(values=[one.value for one in LineKind], type_name="AuditKind")


class AuditFilter(Model):
    """Everything that is given must fit. ``customerNumber``: lines about him, and who read his data."""

    kind = KindOfLine
    client = Unicode
    user = Integer
    action = Unicode
    target = Unicode
    outcome = Unicode
    customerNumber = Unicode
    since = DateTime
    until = DateTime


class AuditLine(Model):
    """One line of the audit trail. ``detail`` is a JSON object; before and after hold what was changed."""

    id = needed(Integer)
    seq = Integer
    at = needed(DateTime)
    kind = needed(Unicode)
    client = needed(Unicode)
    user = Integer
    factor = needed(Unicode)
    behalf = Unicode
    address = Unicode
    action = needed(Unicode)
    target = needed(Unicode)
    outcome = needed(Unicode)
    request = Unicode
    seen = many(Integer)
    detail = Unicode


class AuditPage(Model):
    """Lines, the newest first. ``next`` is where to ask on from."""

    count = needed(Integer)
    line = many(AuditLine)
    next = Unicode


class AuditAnchor(Model):
    """The end of the trail's chain at a time, signed by a key of /oauth/jwks: keep it elsewhere."""

    seq = needed(Integer)
    hash = needed(Unicode)
    madeAt = needed(DateTime)
    token = needed(Unicode)


class AuditAnchors(Model):
    """Anchors, the newest first."""

    anchor = many(AuditAnchor)


class Trail(ServiceBase):
    """Who did what, when, from where."""

    __service_name__ = "Trail"

    @operation("ListAudit", AuditFilter, Integer(ge=1, le=PAGE_MAX), Unicode, returns=AuditPage, result="page")
    async def list_audit(ctx: Any, filter: Any, first: int | None, after: str | None) -> Any:
        """Return lines of the audit trail, the newest first."""
        wanted = await _wanted(ctx.udc, filter)
        page = await ctx.udc.ask(list_trail, PageRequest(first or PAGE, key_after(after)), wanted)
        following = str(page.items[-1].id) if page.more else None
        return AuditPage(count=len(page.items), line=[_shown(one) for one in page.items], next=following)

    @operation("ListAuditAnchors", Integer(ge=1, le=PAGE_MAX), returns=AuditAnchors, result="anchors")
    async def list_audit_anchors(ctx: Any, first: int | None) -> Any:
        """Return the newest anchors of the trail's chain."""
        found = await ctx.udc.ask(list_anchors, first or 50)
        return AuditAnchors(
            anchor=[AuditAnchor(seq=one.seq, hash=one.hash.hex(), madeAt=one.made_at, token=one.token) for one in found]
        )


async def _wanted(call: Any, asked: Any) -> TrailFilter:
    if asked is None:
        return TrailFilter()
    owner = await call.ask(get_customer, asked.customerNumber) if asked.customerNumber is not None else None
    return TrailFilter(
        kind=LineKind(str(asked.kind)) if asked.kind is not None else None,
        client=asked.client,
        user=asked.user,
        action=asked.action,
        target=asked.target,
        outcome=asked.outcome,
        customer=None if owner is None else owner.id,
        since=None if asked.since is None else utc(asked.since, field="since"),
        until=None if asked.until is None else utc(asked.until, field="until"),
    )


def _shown(one: Recorded) -> AuditLine:
    line = one.line
    same = ("id", "at", "kind", "client", "user", "factor", "behalf", "action", "target", "outcome", "request")
    return AuditLine(
        seq=one.seq,
        address=one.address,
        seen=list(one.seen),
        detail=None if line.detail is None else json.dumps(dict(line.detail), ensure_ascii=False, sort_keys=True),
        **{name: getattr(line, name) for name in same},
    )
