"""What use cases of payments share: the rules, the claims about invoices, and writing down what pays what.

Whoever calls anything here that changes something holds ``unit.payments.lock()``.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from domain.ids import AllocationId, ClaimId, CustomerId, InvoiceId, OperatorId, PaymentId, SettlementId
from domain.ledger.entry import BAS, Entry, Posting, reversal
from domain.payments.allocating import Claims, OpenClaim, Piece
from domain.payments.booking import Share, moved
from domain.payments.claim import Claim, ClaimKind
from domain.payments.payment import Allocation, Payment
from domain.payments.rules import KeptRules, Rules
from domain.payments.settlement import Settlement, SettlementKind
from domain.ports.unit import Unit
from domain.refusal import NotFound, WrongState


async def kept_rules(unit: Unit, operator: OperatorId) -> KeptRules:
    """Return the operator's rules as they are kept; version 0: there were never any."""
    found = await unit.giro.rules.find()
    return found[0] if found else KeptRules(id=0, operator=operator, rules=Rules(), version=0)


async def rules_of(unit: Unit) -> Rules:
    """Return the operator's rules."""
    found = await unit.giro.rules.find()
    return found[0].rules if found else Rules()


async def open_claims(unit: Unit, claims: Sequence[Claim]) -> list[OpenClaim]:
    """Return claims that stand, with what is open of them; one that is paid is left out."""
    standing = [one for one in claims if one.withdrawn_on is None]
    applied = await unit.payments.applied_to([one.id for one in standing])
    found = [OpenClaim(one, one.amount_minor - applied[one.id]) for one in standing]
    return [one for one in found if one.open_minor > 0]


async def claims_about(unit: Unit, invoices: Iterable[InvoiceId]) -> Claims:
    """Return the open claims about invoices, by invoice."""
    keys = sorted(set(invoices))
    if not keys:
        return {}
    found: dict[InvoiceId, list[OpenClaim]] = defaultdict(list)
    for one in await open_claims(unit, await unit.giro.claims.find(invoice=keys, withdrawn_on=None)):
        if one.claim.invoice is not None:
            found[one.claim.invoice].append(one)
    return found


def allocations(
    pieces: Iterable[Piece],
    *,
    operator: OperatorId,
    at: dt.datetime,
    client: str,
    on: dt.date,
    payment: PaymentId | None = None,
    settlement: SettlementId | None = None,
) -> list[Allocation]:
    """Return new allocations of a payment or a settlement."""
    return [
        Allocation(
            id=AllocationId(0),
            operator=operator,
            payment=payment,
            settlement=settlement,
            invoice=piece.invoice,
            claim=piece.claim,
            customer=piece.customer,
            amount_minor=piece.amount,
            made_at=at,
            client=client,
            booked_on=on,
        )
        for piece in pieces
    ]


async def next_turn(unit: Unit, payment: Payment) -> int:
    """Return the number of a payment's next move between accounts."""
    turn = 1
    while True:
        try:
            await unit.ledger.by_key(f"payment:{payment.identity}/{turn}")
        except NotFound:
            return turn
        turn += 1


async def move(unit: Unit, payment: Payment, shares: Sequence[Share], *, on: dt.date, held: bool = False) -> dt.date:
    """Post the moves of a payment between accounts, and return the day they are booked on."""
    day = await unit.ledger.open_day(on)
    turn = await next_turn(unit, payment)
    entries = [moved(payment, share, on=day, turn=turn + index, held=held) for index, share in enumerate(shares)]
    await unit.ledger.post([entry for entry in entries if entry.postings])
    return day


async def settle(
    unit: Unit,
    kind: SettlementKind,
    pieces: Sequence[Piece],
    *,
    operator: OperatorId,
    currency: str,
    at: dt.datetime,
    on: dt.date,
    client: str,
    against: Mapping[str, int] | None = None,
    payment: PaymentId | None = None,
    text: str = "",
) -> Settlement:
    """Keep a settlement with what it closes, and book it: ``against`` are debits by account that come to its sum."""
    customer = pieces[0].customer
    amount = sum(piece.amount for piece in pieces)
    day = await unit.ledger.open_day(on)
    made = await unit.giro.settlements.add(
        Settlement(
            id=SettlementId(0),
            operator=operator,
            customer=customer,
            kind=kind,
            currency=currency,
            amount_minor=amount,
            booked_on=day,
            made_at=at,
            client=client,
            payment=payment,
            text=text,
        )
    )
    if amount:
        entry = Entry(
            key=f"settlement:{made.id}",
            booked_on=day,
            text=f"{kind.value} {made.id}",
            postings=(
                *(Posting(account, currency, part) for account, part in (against or {}).items() if part),
                Posting(BAS.receivable, currency, -amount),
            ),
            customer=customer,
        )
        await unit.ledger.post([entry])
        made = await unit.giro.settlements.put(replace(made, entry=entry.key))
    await unit.payments.allocate(
        allocations(pieces, operator=operator, at=at, client=client, on=day, settlement=made.id)
    )
    return made


async def unsettle(unit: Unit, made: Settlement, *, at: dt.datetime, on: dt.date, client: str) -> Settlement:
    """Undo a settlement: what it closed is open again. Refuses with: WrongState (undone before)."""
    if made.undone_at is not None:
        raise WrongState("settlement {key} was undone", key=made.id, field="settlement")
    day = await unit.ledger.open_day(on)
    if made.entry is not None:
        entry = (await unit.ledger.by_key(made.entry)).entry
        await unit.ledger.post([reversal(entry, key=f"{made.entry}/undo", on=day)])
    parts = (await unit.payments.settled([made.id]))[made.id]
    await unit.payments.undo([one.id for one in parts], at=at, client=client, on=day)
    return await unit.giro.settlements.put(replace(made, undone_at=at, undone_on=day, undone_by=client))


async def unsettle_of(unit: Unit, payment: PaymentId, *, at: dt.datetime, on: dt.date, client: str) -> None:
    """Undo the roundings that stand beside a payment."""
    for made in await unit.giro.settlements.find(payment=payment, undone_at=None):
        await unsettle(unit, made, at=at, on=on, client=client)


async def round_off(unit: Unit, payment: Payment, piece: Piece, *, at: dt.datetime, on: dt.date, client: str) -> None:
    """Close the little that a payment misses its invoice by; of one that was exchanged it is a gain or a loss."""
    exchanged = payment.exchanged
    account = BAS.rounding if not exchanged else BAS.exchange_loss if piece.amount > 0 else BAS.exchange_gain
    await settle(
        unit,
        SettlementKind.EXCHANGE if exchanged else SettlementKind.ROUNDING,
        [piece],
        operator=payment.operator,
        currency=payment.currency,
        at=at,
        on=on,
        client=client,
        against={account: piece.amount},
        payment=payment.id,
    )


async def claim_fee(
    unit: Unit,
    *,
    operator: OperatorId,
    customer: CustomerId,
    invoice: InvoiceId | None,
    currency: str,
    amount: int,
    on: dt.date,
    word: str,
) -> Claim:
    """Claim the fee for a debit that came back, and book it; ``word`` makes its key its own."""
    day = await unit.ledger.open_day(on)
    key = f"claim:{ClaimKind.RETURN_FEE.value}:{word}"
    await unit.ledger.post(
        [
            Entry(
                key=key,
                booked_on=day,
                text=f"fee for a returned debit {word}",
                postings=(
                    Posting(BAS.receivable, currency, amount),
                    Posting(BAS.reminder_income, currency, -amount),
                ),
                customer=customer,
            )
        ]
    )
    return await unit.giro.claims.add(
        Claim(
            id=ClaimId(0),
            operator=operator,
            customer=customer,
            invoice=invoice,
            kind=ClaimKind.RETURN_FEE,
            currency=currency,
            amount_minor=amount,
            claimed_on=day,
            due_on=day,
            entry=key,
        )
    )
