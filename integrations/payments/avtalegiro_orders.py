"""AvtaleGiro claims that we send: the neutral orders put into :mod:`integrations.payments.nets_avtalegiro`."""

from __future__ import annotations

from domain.payments.orders import Batch, Debit, whole
from domain.refusal import BadValue
from integrations.payments.nets_avtalegiro import Claim
from integrations.payments.nets_avtalegiro import write as write_claims


def write(batch: Batch) -> bytes:
    """Write the claims of one creditor; the batch's number is the transmission's and the assignment's.

    Refuses with: BadValue (a field that does not fit).
    """
    creditor = batch.creditor
    creditor.need("nets_sender", "nets_account")
    return write_claims(
        [_claim(one) for one in batch.debits],
        sender=creditor.nets_sender or "",
        transmission=batch.number,
        assignment=batch.number,
        account=creditor.nets_account or "",
    )


def _claim(one: Debit) -> Claim:
    if one.currency != "NOK":
        raise BadValue("AvtaleGiro takes NOK, not {currency}", currency=one.currency, field="currency")
    whole(one.amount, most=15)
    return Claim(
        kid=one.reference or one.payer_number,
        due=one.due_on,
        amount=one.amount,
        name=one.name,
        reference=one.key,
        text=one.text,
        notify=one.notify,
    )
