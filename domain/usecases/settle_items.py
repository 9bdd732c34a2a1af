"""Close what is open without a payment: set a credit note off, write off, and undo either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import ClaimId, CustomerId, InvoiceId, SettlementId
from domain.invoicing.invoice import DocumentKind, decimals_of
from domain.ledger.entry import BAS
from domain.payments.allocating import Piece
from domain.payments.amounts import minor_of
from domain.payments.claim import ClaimKind
from domain.payments.payment import OpenItem
from domain.payments.settlement import Settlement, SettlementKind
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.usecases.applying import open_claims, rules_of, settle, unsettle
from domain.usecases.four_eyes import agreed, four_eyes, given_away

PARTS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetCredit:
    """Set what is open of a credit note off against an invoice of the same customer.

    ``amount`` None: as much as is open of both.
    """

    credit_note: InvoiceId
    invoice: InvoiceId
    amount: Decimal | None = None


@operation(Action.WRITE_PAYMENTS)
async def offset_credit(cmd: OffsetCredit, *, actor: Actor, begin: Begin, clock: Clock) -> Settlement:
    """Set a credit note off. Nothing moves on any account: what he owed and was owed is both of his receivable.

    Refuses with: NotAllowed, NotFound, BadValue (nothing open, another customer's, another currency).
    """
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        items = await unit.payments.items([cmd.credit_note, cmd.invoice])
        note, invoice = _item(items.get(cmd.credit_note), "creditNote"), _item(items.get(cmd.invoice), "invoice")
        if note.open_minor >= 0:
            raise BadValue("of {number} nothing is owed to the customer", number=note.number, field="creditNote")
        if invoice.open_minor <= 0:
            raise BadValue("of {number} nothing is open", number=invoice.number, field="invoice")
        if note.customer != invoice.customer or note.currency != invoice.currency:
            raise BadValue("both are of one customer and currency", field="invoice")
        most = min(-note.open_minor, invoice.open_minor)
        amount = most if cmd.amount is None else minor_of(cmd.amount, note.currency, "amount")
        if not 0 < amount <= most:
            raise BadValue("it is more than nothing and {most} minor units at most", most=most, field="amount")
        made = await settle(
            unit,
            SettlementKind.OFFSET,
            [
                Piece(customer=note.customer, amount=-amount, invoice=note.invoice),
                Piece(customer=note.customer, amount=amount, invoice=invoice.invoice),
            ],
            operator=actor.operator,
            currency=note.currency,
            at=now,
            on=now.date(),
            client=actor.client,
        )
        detail = {"credit_note": note.number, "invoice": invoice.number, "amount_minor": amount}
        await unit.audit.write("settle_credit", f"customer:{note.customer}", detail | {"settlement": made.id})
    return made


def _item(item: OpenItem | None, field: str) -> OpenItem:
    if item is None:
        raise NotFound("no such invoice", field=field)
    return item


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """Give up what is open of invoices and claims of one customer: all of it. ``text`` says why."""

    invoices: tuple[InvoiceId, ...] = ()
    claims: tuple[ClaimId, ...] = ()
    text: str = ""


@operation(Action.WRITE_PAYMENTS)
@four_eyes(ApprovalKind.CREDIT)
async def write_off(cmd: WriteOff, *, actor: Actor, begin: Begin, clock: Clock) -> Settlement:
    """Write off a bad debt; where the rules say so, the VAT in it is taken back.

    Refuses with: NotAllowed, NotFound, BadValue (nothing open, several customers or currencies).
    """
    check_texts(cmd)
    now = clock.now()
    if not 1 <= len(cmd.invoices) + len(cmd.claims) <= PARTS_MAX:
        raise BadValue("name 1 to {most} invoices and claims", most=PARTS_MAX, field="invoices")
    async with begin(actor) as unit:
        await unit.payments.lock()
        pieces, currencies = await _given_up(unit, cmd)
        customers = {piece.customer for piece in pieces}
        if len(customers) != 1 or len(currencies) != 1:
            raise BadValue("they are of one customer and currency", field="invoices")
        currency = currencies.pop()
        total = sum(piece.amount for piece in pieces)
        amount = Decimal(total).scaleb(-decimals_of(currency))
        await given_away(unit, actor, amount, currency, now=now)
        await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=currency)
        made = await settle(
            unit,
            SettlementKind.WRITE_OFF,
            pieces,
            operator=actor.operator,
            currency=currency,
            at=now,
            on=now.date(),
            client=actor.client,
            against=await _against(unit, pieces, total),
            text=cmd.text,
        )
        detail = {"settlement": made.id, "amount_minor": total, "currency": currency}
        await unit.audit.write("drop_debt", f"customer:{made.customer}", detail)
    return made


async def _given_up(unit: Unit, cmd: WriteOff) -> tuple[list[Piece], set[str]]:
    """Return what is open of each, and the currencies of it."""
    items = await unit.payments.items(cmd.invoices)
    pieces, currencies = list[Piece](), set[str]()
    for index, key in enumerate(cmd.invoices):
        item = _item(items.get(key), f"invoices.{index}")
        if item.open_minor <= 0:
            raise BadValue("of {number} nothing is open", number=item.number, field=f"invoices.{index}")
        pieces.append(Piece(customer=item.customer, amount=item.open_minor, invoice=key))
        currencies.add(item.currency)
    found = {one.claim.id: one for one in await open_claims(unit, await unit.giro.claims.find(id=cmd.claims))}
    for index, claim in enumerate(cmd.claims):
        if claim not in found:
            raise NotFound("no open claim {claim}", claim=claim, field=f"claims.{index}")
        one = found[claim]
        pieces.append(Piece(customer=one.claim.customer, amount=one.open_minor, claim=claim))
        currencies.add(one.claim.currency)
    return pieces, currencies


async def _against(unit: Unit, pieces: Sequence[Piece], total: int) -> dict[str, int]:
    """Return the debits of a write-off by account: VAT that is taken back, income of fees, and the bad debt."""
    against: dict[str, int] = {}
    claims = {one.id: one for one in await unit.giro.claims.find(id=[p.claim for p in pieces if p.claim is not None])}
    relief = (await rules_of(unit)).vat_relief
    for piece in pieces:
        if piece.claim is not None:
            # A fee or interest that is given up was never earned.
            interest = claims[piece.claim].kind is ClaimKind.INTEREST
            account = BAS.interest_income if interest else BAS.reminder_income
            against[account] = against.get(account, 0) + piece.amount
        elif relief and piece.invoice is not None:
            invoice = await unit.invoices.get(piece.invoice)
            if invoice.kind is not DocumentKind.INVOICE or not invoice.total:
                continue
            for each in invoice.vat:
                share = Decimal(piece.amount) * each.tax / invoice.total
                part = int(share.quantize(Decimal(1), ROUND_HALF_EVEN))
                if part:
                    account = BAS.vat.get(each.treatment.percent, BAS.foreign_vat)
                    against[account] = against.get(account, 0) + part
    against[BAS.bad_debt] = total - sum(against.values())
    return against


@operation(Action.WRITE_PAYMENTS)
async def undo_settlement(key: SettlementId, *, actor: Actor, begin: Begin, clock: Clock) -> Settlement:
    """Undo a set-off or a write-off: all it closed is open again, and what it booked is reversed.

    Refuses with: NotAllowed, NotFound, WrongState (undone before, or of a payment or refund, which is undone itself).
    """
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        made = await unit.giro.settlements.get(key)
        if made.kind in {SettlementKind.ROUNDING, SettlementKind.REFUND, SettlementKind.EXCHANGE}:
            raise WrongState("settlement {key} belongs to a payment: undo that", key=key, field="settlement")
        undone = await unsettle(unit, made, at=now, on=now.date(), client=actor.client)
        await unit.audit.write("release_settlement", f"customer:{made.customer}", {"settlement": key})
    return undone


@operation(Action.READ_PAYMENTS)
async def list_settlements(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None
) -> Page[Settlement]:
    """List settlements by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.settlements.page(request, customer=customer)
