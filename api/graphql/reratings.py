"""Rating events again: the preview, the run, and the runs there were."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, read_number
from api.graphql.inputs import given
from api.graphql.intake import ReasonCountType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.rerating.rerating import Reason, Rerating, ReratingState, Selection, Tally
from domain.usecases.rerate import Rerate, list_reratings, rerate

ID = strawberry.ID

strawberry.enum(Reason, name="ReratingReason", description="Why events are rated again.")
strawberry.enum(ReratingState, description="Running (the same mutation continues it), or done.")


@strawberry.input(description="Events with since <= start < until; what is left out is any.")
class RerateInput:
    """``Rerate``."""

    since: datetime
    until: datetime
    reason: Reason
    customer: ID | None = None
    contract: ID | None = None
    subscription: ID | None = None
    destination: str | None = None
    price_list: str | None = None
    source: str | None = None
    unrated: str | None = None
    preview: bool = True
    idempotency_key: str | None = kept_key()


@strawberry.type(name="LevelChange", description="What changed on a level in a currency, added up.")
class LevelChangeType:
    """One entry of ``Tally.amounts``."""

    level: str
    currency: str
    before: Decimal
    after: Decimal
    difference: Decimal


def _counts(name: str) -> Any:
    def resolve(root: strawberry.Parent[Tally]) -> list[ReasonCountType]:
        found = getattr(root, name)
        return [ReasonCountType(reason=reason, count=BigInt(count)) for reason, count in sorted(found.items())]

    return resolve


def _amounts(root: strawberry.Parent[Tally]) -> list[LevelChangeType]:
    return [
        LevelChangeType(
            level=name.partition(" ")[0],
            currency=name.partition(" ")[2],
            before=Decimal(before).scaleb(-6),
            after=Decimal(after).scaleb(-6),
            difference=Decimal(after - before).scaleb(-6),
        )
        for name, (before, after) in root.amounts.items()
    ]


@strawberry.type(
    name="ReratingTally",
    description="examined = same + changed + unpriced; held = released + passed + still.",
)
class TallyType:
    """``domain.rerating.rerating.Tally``."""

    examined: BigInt
    same: BigInt
    changed: BigInt
    moved: BigInt = strawberry.field(description="Of the changed, those that are another customer's now.")
    unpriced: list[ReasonCountType] = strawberry.field(
        resolver=_counts("unpriced"), description="Rated events that would have no price now; they stay as they are."
    )
    held: BigInt
    released: BigInt
    passed: BigInt = strawberry.field(description="In suspense, and would become what was not asked for.")
    still: list[ReasonCountType] = strawberry.field(resolver=_counts("still"))
    amounts: list[LevelChangeType] = strawberry.field(resolver=_amounts)


def _id(root: strawberry.Parent[Rerating]) -> ID | None:
    return ID(global_id("Rerating", root.id)) if root.id else None


@strawberry.type(name="Rerating", description="A run, or a preview, which has no id.")
class ReratingType:
    """``domain.rerating.rerating.Rerating``."""

    id: ID | None = strawberry.field(resolver=_id)
    reason: Reason
    state: ReratingState
    client: str
    created_at: datetime
    finished_at: datetime | None
    tally: TallyType

    is_type_of = shows(Rerating)


async def _rerate(info: Info, asked: Annotated[RerateInput, strawberry.argument(name="input")]) -> Any:
    kinds = {"customer": "Customer", "contract": "Contract", "subscription": "Subscription"}
    chosen = given(asked, kinds)
    reason, preview = chosen.pop("reason"), chosen.pop("preview")
    wiring = info.context.wiring
    cmd = Rerate(selection=Selection(**chosen), reason=reason, preview=preview)
    return await info.context.ask(rerate, cmd, clock=wiring.clock, raters=wiring.raters)


async def _reratings(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_reratings, request(first, read_number(after, "Rerating")))
    return connect(page, "Rerating", after=after)


@strawberry.type
class ReratingQuery:
    """What was rated again."""

    reratings: Connection[ReratingType] = strawberry.field(resolver=_reratings)


@strawberry.type
class ReratingMutation:
    """Rating again."""

    rerate = strawberry.mutation(
        resolver=_rerate,
        graphql_type=outcome("RerateResult", ReratingType),
        description="Rate events again with today's prices and contracts; a preview unless preview is false.",
    )
