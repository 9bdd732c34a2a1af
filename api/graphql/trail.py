"""The audit trail over GraphQL."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from domain.access.chain import Anchor, LineKind, Recorded
from domain.ports.access import TrailFilter
from domain.usecases.list_trail import list_anchors, list_trail

ID = strawberry.ID

strawberry.enum(LineKind, name="AuditKind", description="What a line of the audit trail tells of.")


def _detail(root: strawberry.Parent[Recorded]) -> JsonText | None:
    detail = root.line.detail
    return None if detail is None else JsonText(json.dumps(dict(detail), ensure_ascii=False, sort_keys=True))


def _seen(root: strawberry.Parent[Recorded]) -> list[ID]:
    return [ID(global_id("Customer", key)) for key in root.seen]


@strawberry.type(name="AuditLine", description="One line of the audit trail.")
class AuditLineType:
    """``domain.access.chain.Recorded``."""

    id: ID = strawberry.field(resolver=lambda root: ID(global_id("AuditLine", root.id)))
    seq: BigInt | None = strawberry.field(description="Its place in the chain; null for the moment before it has one.")
    at: datetime = strawberry.field(resolver=lambda root: root.line.at)
    kind: LineKind = strawberry.field(resolver=lambda root: LineKind(root.line.kind))
    client: str = strawberry.field(resolver=lambda root: root.line.client)
    user: BigInt | None = strawberry.field(resolver=lambda root: root.line.user, description="The person who did it.")
    factor: str = strawberry.field(resolver=lambda root: root.line.factor, description="How he proved who he is.")
    behalf: str | None = strawberry.field(
        resolver=lambda root: root.line.behalf, description="On whose behalf he says he did it."
    )
    address: str | None = strawberry.field(description="Where the call came from.")
    action: str = strawberry.field(resolver=lambda root: root.line.action)
    target: str = strawberry.field(
        resolver=lambda root: root.line.target, description="What was done to, as customer:12."
    )
    outcome: str = strawberry.field(
        resolver=lambda root: root.line.outcome, description="done, or the code of the refusal."
    )
    request: str | None = strawberry.field(resolver=lambda root: root.line.request, description="Its x-request-id.")
    seen: list[ID] = strawberry.field(resolver=_seen, description="The customers whose data were read.")
    detail: JsonText | None = strawberry.field(
        resolver=_detail, description="An object; before and after hold what was changed. Null where it was erased."
    )
    erased: bool = strawberry.field(resolver=lambda root: root.line.erased_by is not None)

    is_type_of = shows(Recorded)


@strawberry.type(name="AuditAnchor", description="The end of the trail's chain at a time, signed: keep it elsewhere.")
class AuditAnchorType:
    """``domain.access.chain.Anchor``."""

    seq: BigInt
    hash: str = strawberry.field(resolver=lambda root: root.hash.hex())
    made_at: datetime
    token: str = strawberry.field(description="A JWS by a key of /oauth/jwks.")

    is_type_of = shows(Anchor)


@strawberry.input(description="Everything that is given must fit.")
class AuditFilter:
    """``domain.ports.access.TrailFilter``."""

    kind: LineKind | None = None
    client: str | None = None
    user: BigInt | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    customer: ID | None = strawberry.field(default=None, description="Lines about him, and who read his data.")
    since: datetime | None = None
    until: datetime | None = None


def _wanted(asked: AuditFilter | None) -> TrailFilter:
    if asked is None:
        return TrailFilter()
    return TrailFilter(
        kind=asked.kind,
        client=asked.client,
        user=asked.user,
        action=asked.action,
        target=asked.target,
        outcome=asked.outcome,
        customer=None if asked.customer is None else key_of(asked.customer, "Customer", "filter.customer"),
        since=asked.since,
        until=asked.until,
    )


async def _lines(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    filter: AuditFilter | None = None,
) -> Any:
    page = await info.context.ask(list_trail, request(first, read_number(after, "AuditLine")), _wanted(filter))
    return connect(page, "AuditLine", after=after)


async def _anchors(info: Info, first: int = FIRST_DEFAULT) -> Any:
    return await info.context.ask(list_anchors, first)


@strawberry.type
class TrailQuery:
    """Who did what."""

    audit: Connection[AuditLineType] = strawberry.field(
        resolver=_lines, description="The audit trail, the newest line first."
    )
    audit_anchors: list[AuditAnchorType] = strawberry.field(resolver=_anchors, description="The newest first.")
