"""Documents on their way, print batches and channels, in PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.customers.customer import Delivery
from domain.delivery.channel import Capability, Channel, Settings
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way, leaves
from domain.delivery.printing import BatchState, PrintBatch
from domain.feeds.feed import Credential
from domain.ids import (
    BillRunId,
    ChannelId,
    CustomerId,
    DispatchId,
    InvoiceId,
    OperatorId,
    PrintBatchId,
    ResellerId,
)
from domain.invoicing.invoice import DocumentKind
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.documents import loaded, text
from persistence.engine import Transaction
from persistence.violations import possible

_NEW: Final = (
    "operator", "invoice", "number", "kind", "customer", "reseller", "form", "way", "state", "again", "queued_at",
    "changed_at", "channel",
)  # fmt: skip
_CHANGING: Final = (
    "state", "channel", "attempts", "reference", "digest", "rule", "fault", "form", "way", "batch", "sequence",
    "first_page", "pages", "changed_at", "handed_at",
)  # fmt: skip
_INSERT: Final = (
    f"insert into dispatch ({', '.join(_NEW)}) values ({', '.join(f'${i}' for i in range(1, len(_NEW) + 1))})"  # noqa: S608  (our own words)
    " on conflict (operator, invoice, again) do nothing returning *"
)
_UPDATE: Final = (
    f"update dispatch set {', '.join(f'{name} = ${i}' for i, name in enumerate(_CHANGING, 3))},"  # noqa: S608  (our own words)
    " version = version + 1 where operator = $1 and id = $2 returning *"
)
_UNSENT: Final = """
select i.id from invoice i
 where i.operator = $1 and i.document ->> 'delivery' = any ($2::text[]) and ($3::bigint is null or i.run = $3)
   and ($4::bigint[] is null or i.id = any ($4))
   and not exists (select from dispatch d where d.operator = i.operator and d.invoice = i.id)
 order by i.id limit $5
"""


def leaving(way: Way | None) -> list[str]:
    """Return the customers' choices by which a document leaves by itself, those of one way alone where it is given."""
    return [each.value for each in Delivery if (left := leaves(each)) is not None and way in {None, left[1]}]


def dispatch_from(row: Mapping[str, Any]) -> Dispatch:
    """Make the dispatch of a row."""
    return Dispatch(
        id=DispatchId(row["id"]),
        operator=OperatorId(row["operator"]),
        invoice=InvoiceId(row["invoice"]),
        number=row["number"],
        kind=DocumentKind(row["kind"]),
        customer=CustomerId(row["customer"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        form=Form(row["form"]),
        way=Way(row["way"]),
        state=DispatchState(row["state"]),
        queued_at=row["queued_at"],
        changed_at=row["changed_at"],
        channel=row["channel"],
        attempts=row["attempts"],
        reference=row["reference"],
        digest=row["digest"],
        rule=row["rule"],
        fault=row["fault"],
        again=row["again"],
        batch=None if row["batch"] is None else PrintBatchId(row["batch"]),
        sequence=row["sequence"],
        first_page=row["first_page"],
        pages=row["pages"],
        handed_at=row["handed_at"],
        version=row["version"],
    )


def batch_from(row: Mapping[str, Any]) -> PrintBatch:
    """Make the batch of a row."""
    return PrintBatch(
        id=PrintBatchId(row["id"]),
        operator=OperatorId(row["operator"]),
        number=row["number"],
        state=BatchState(row["state"]),
        documents=row["documents"],
        pages=row["pages"],
        sheets=row["sheets"],
        totals=tuple((name, Decimal(amount)) for name, amount in json.loads(row["totals"]).items()),
        duplex=row["duplex"],
        digest=row["digest"],
        files=tuple((name, bytes.fromhex(sha256)) for name, sha256 in json.loads(row["files"]).items()),
        made_at=row["made_at"],
        made_by=row["made_by"],
        dropped_to=row["dropped_to"],
        dropped_at=row["dropped_at"],
        accepted=row["accepted"],
        rejected=row["rejected"],
        version=row["version"],
    )


def channel_of(row: Mapping[str, Any]) -> Channel:
    """Make the channel of a row."""
    return Channel(
        id=ChannelId(row["id"]),
        operator=OperatorId(row["operator"]),
        code=row["code"],
        way=Way(row["way"]),
        forms=tuple(Form(one) for one in row["forms"]),
        settings=loaded(Settings, row["settings"]),
        credentials={
            name: Credential(
                sealed=base64.b64decode(one["sealed"]) if "sealed" in one else None, reference=one.get("reference")
            )
            for name, one in json.loads(row["credentials"]).items()
        },
        active=row["active"],
        version=row["version"],
    )


class DispatchStore:
    """Keeps ``domain.ports.delivery.Dispatches``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def unsent(
        self, *, run: BillRunId | None, keys: Sequence[InvoiceId], most: int, way: Way | None = None
    ) -> Sequence[InvoiceId]:
        """Return the documents without a dispatch that leave by themselves, by key."""
        named = possible(keys) if keys else None
        rows = await self._connection.fetch(_UNSENT, self._operator, leaving(way), run, named, most)
        return [InvoiceId(row["id"]) for row in rows]

    async def add(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Keep new ones and return those that were not there, with their keys."""
        kept = []
        for one in found:
            row = await self._connection.fetchrow(
                _INSERT,
                *(one.operator, one.invoice, one.number, one.kind.value, one.customer, one.reseller, one.form.value),
                *(one.way.value, one.state.value, one.again, one.queued_at, one.changed_at, one.channel),
            )
            if row is not None:
                kept.append(dispatch_from(row))
        return kept

    async def many(self, keys: Sequence[DispatchId]) -> Mapping[DispatchId, Dispatch]:
        """Return those that exist and may be seen."""
        rows = await self._connection.fetch(
            "select * from dispatch where operator = $1 and id = any ($2::bigint[])", self._operator, possible(keys)
        )
        return {DispatchId(row["id"]): dispatch_from(row) for row in rows}

    async def claim(self, key: DispatchId) -> Dispatch:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from dispatch where operator = $1 and id = any ($2::bigint[]) for update",
            *(self._operator, possible([key])),
        )
        if not rows:
            raise NotFound("no dispatch {key}", key=key, field="dispatch")
        return dispatch_from(rows[0])

    async def waiting(
        self, way: Way, *, most: int, keys: Sequence[InvoiceId] = (), run: BillRunId | None = None
    ) -> Sequence[Dispatch]:
        """Return those that are queued for a way, locked, by key."""
        rows = await self._connection.fetch(
            "select * from dispatch d where operator = $1 and way = $2 and state = 'queued'"
            " and ($3::bigint[] is null or invoice = any ($3)) and ($5::bigint is null or exists (select from invoice i"
            " where i.operator = d.operator and i.customer = d.customer and i.id = d.invoice and i.run = $5))"
            " order by id limit $4 for update of d skip locked",
            *(self._operator, way.value, possible(keys) if keys else None, most, run),
        )
        return [dispatch_from(row) for row in rows]

    async def keep(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Write changed ones and return them with their new versions."""
        kept = []
        for one in found:
            row = await self._connection.fetchrow(
                _UPDATE,
                *(self._operator, one.id, one.state.value, one.channel, one.attempts, one.reference, one.digest),
                *(one.rule, one.fault, one.form.value, one.way.value, one.batch, one.sequence, one.first_page),
                *(one.pages, one.changed_at, one.handed_at),
            )
            kept.append(dispatch_from(row))
        return kept

    async def named(self, numbers: Sequence[str], references: Sequence[str]) -> Sequence[Dispatch]:
        """Return, locked, those of these numbers or references, in the order of their keys."""
        rows = await self._connection.fetch(
            "select * from dispatch where operator = $1"
            " and (number = any ($2::text[]) or reference = any ($3::text[])) order by id for update",
            *(self._operator, list(numbers), list(references)),
        )
        return [dispatch_from(row) for row in rows]

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispatch]]:
        """Return the dispatches of each document, by key."""
        rows = await self._connection.fetch(
            "select * from dispatch where operator = $1 and invoice = any ($2::bigint[]) order by id",
            *(self._operator, possible(keys)),
        )
        found: dict[InvoiceId, list[Dispatch]] = {key: [] for key in keys}
        for row in rows:
            found[InvoiceId(row["invoice"])].append(dispatch_from(row))
        return found

    async def page(
        self,
        request: PageRequest,
        *,
        state: DispatchState | None = None,
        form: Form | None = None,
        way: Way | None = None,
        customer: CustomerId | None = None,
        batch: PrintBatchId | None = None,
    ) -> Page[Dispatch]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from dispatch where operator = $1 and id > $2 and ($3::text is null or state = $3)"
            " and ($4::text is null or form = $4) and ($5::text is null or way = $5)"
            " and ($6::bigint is null or customer = $6) and ($7::bigint is null or batch = $7) order by id limit $8",
            *(self._operator, request.after or 0, state and state.value, form and form.value, way and way.value),
            *(customer, batch, request.first + 1),
        )
        return Page.of([dispatch_from(row) for row in rows], request)

    async def next_number(self) -> int:
        """Return the number of the operator's next print batch."""
        await self._connection.execute("select from operator where id = $1 for no key update", self._operator)
        return int(
            await self._connection.fetchval(
                "select coalesce(max(number), 0) + 1 from print_batch where operator = $1", self._operator
            )
        )

    async def add_batch(self, batch: PrintBatch) -> PrintBatch:
        """Keep a new batch and return it with its key."""
        row = await self._connection.fetchrow(
            "insert into print_batch (operator, number, state, documents, pages, sheets, totals, duplex, digest, files,"
            " made_at, made_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning *",
            *(self._operator, batch.number, batch.state.value, batch.documents, batch.pages, batch.sheets),
            *(json.dumps({name: str(amount) for name, amount in batch.totals}), batch.duplex, batch.digest),
            *(json.dumps({name: one.hex() for name, one in batch.files}), batch.made_at, batch.made_by),
        )
        return batch_from(row)

    async def claim_batch(self, key: PrintBatchId) -> PrintBatch:
        """Return a batch locked until the unit ends. Refuses with: NotFound."""
        return await self._batch(key, " for update")

    async def keep_batch(self, batch: PrintBatch) -> PrintBatch:
        """Write what became of it, and return it with its new version."""
        row = await self._connection.fetchrow(
            "update print_batch set state = $3, dropped_to = $4, dropped_at = $5, accepted = $6, rejected = $7,"
            " version = version + 1 where operator = $1 and id = $2 returning *",
            *(self._operator, batch.id, batch.state.value, batch.dropped_to, batch.dropped_at),
            *(batch.accepted, batch.rejected),
        )
        return batch_from(row)

    async def batches(self, request: PageRequest) -> Page[PrintBatch]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from print_batch where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([batch_from(row) for row in rows], request)

    async def batch(self, key: PrintBatchId) -> PrintBatch:
        """Return one. Refuses with: NotFound."""
        return await self._batch(key, "")

    async def _batch(self, key: PrintBatchId, how: str) -> PrintBatch:
        rows = await self._connection.fetch(
            f"select * from print_batch where operator = $1 and id = any ($2::bigint[]){how}",  # noqa: S608  (our own words)
            *(self._operator, possible([key])),
        )
        if not rows:
            raise NotFound("no print batch {key}", key=key, field="printBatch")
        return batch_from(rows[0])


class ChannelStore:
    """Keeps ``domain.ports.delivery.Channels``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def all(self) -> Sequence[Channel]:
        """Return them by code."""
        rows = await self._connection.fetch(
            "select * from delivery_channel where operator = $1 order by code", self._operator
        )
        return [channel_of(row) for row in rows]

    async def claim(self, code: str) -> Channel | None:
        """Return one locked until the unit ends."""
        row = await self._connection.fetchrow(
            "select * from delivery_channel where operator = $1 and code = $2 for update", self._operator, code
        )
        return None if row is None else channel_of(row)

    async def put(self, channel: Channel) -> Channel:
        """Keep a new one, or another version of the one with this code."""
        sealed = {
            name: {"reference": one.reference}
            if one.reference is not None
            else {"sealed": base64.b64encode(one.sealed or b"").decode()}
            for name, one in channel.credentials.items()
        }
        row = await self._connection.fetchrow(
            "insert into delivery_channel (operator, code, way, forms, settings, credentials, active, version)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (operator, code) do update set way = excluded.way,"
            " forms = excluded.forms, settings = excluded.settings, credentials = excluded.credentials,"
            " active = excluded.active, version = excluded.version returning *",
            *(self._operator, channel.code, channel.way.value, [one.value for one in channel.forms]),
            *(text(channel.settings), json.dumps(sealed), channel.active, channel.version),
        )
        return channel_of(row)

    async def capability(self, endpoint: str) -> Capability | None:
        """Return what is known of a recipient."""
        row = await self._connection.fetchrow(
            "select * from recipient_capability where operator = $1 and endpoint = $2", self._operator, endpoint
        )
        if row is None:
            return None
        forms = tuple(Form(one) for one in row["forms"])
        return Capability(
            endpoint=endpoint,
            forms=forms,
            looked_at=row["looked_at"],
            source=row["source"],
            documents=tuple(row["documents"]),
        )

    async def know(self, capability: Capability) -> None:
        """Keep what a recipient can take."""
        await self._connection.execute(
            "insert into recipient_capability (operator, endpoint, forms, looked_at, source, documents)"
            " values ($1, $2, $3, $4, $5, $6) on conflict (operator, endpoint) do update set forms = excluded.forms,"
            " looked_at = excluded.looked_at, source = excluded.source, documents = excluded.documents",
            *(self._operator, capability.endpoint, [one.value for one in capability.forms]),
            *(capability.looked_at, capability.source, list(capability.documents)),
        )
