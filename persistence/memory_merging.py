"""What is limited, set aside and written of a customer, in memory: given to whom he is merged into, or erased."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.contracts.contract import Contract
from domain.contracts.terms import Terms
from domain.credit.kinds import KINDS
from domain.ids import CustomerId
from persistence.memory import Draft


def hand_over_credit(draft: Draft, double: CustomerId, survivor: CustomerId) -> None:
    """Give limits of which the survivor has none of the kind, and accounts; the double is not watched any more."""
    limits = draft.table("credit_limit")
    own = {one.kind for one in limits.values() if one.customer == survivor and one.subscription is None}
    for key, one in list(limits.items()):
        # A line's limit has gone with its line, as the same limit.
        if one.customer == double and (one.subscription is not None or one.kind not in own):
            raised = {} if one.subscription is not None else {"version": one.version + 1}
            limits[key] = replace(one, customer=survivor, **raised)
    accounts = draft.table("credit_account")
    for place in [place for place in accounts if place[0] == double]:
        one, line = accounts.pop(place), place[1]
        if line is not None:
            accounts[survivor, line] = replace(one, customer=survivor)
            continue
        there = accounts.get((survivor, None), replace(one, customer=survivor, reserved={}, told={}, marks={}))
        reserved = {kind: there.reserved.get(kind, 0) + one.reserved.get(kind, 0) for kind in KINDS}
        accounts[survivor, None] = replace(there, reserved=reserved)


def forget_written(draft: Draft, customer: CustomerId) -> None:
    """Empty what people wrote about somebody who is erased, and what he signed."""

    def each(table: str, **values: Any) -> None:
        rows = draft.table(table)
        for key, row in list(rows.items()):
            if row.customer == customer:
                rows[key] = replace(row, **values, **({"version": row.version + 1} if hasattr(row, "version") else {}))

    each("charge", text="", reference=None)
    each("dispatch", fault=None)
    each("collection_letter", fault=None)
    given = draft.table("basis_fee")
    for key, one in list(given.items()):
        if one.fee.customer == customer and one.fee.line is not None:
            nameless = replace(one.fee.line, text="", label=None, customer_name="")
            given[key] = replace(one, fee=replace(one.fee, line=nameless))
    grants, contracts, quotes = draft.table("bucket_grant"), draft.table("contract"), draft.table("quote")
    for key, grant in list(grants.items()):
        if grant.customer == customer:
            grants[key] = replace(grant, reason="")
    for key, contract in list(contracts.items()):
        if contract.customer == customer:
            contracts[key] = _unsigned(contract)
    for key, quote in list(quotes.items()):
        if quote.customer == customer:
            unsigned = replace(quote, terms=_nobodys(quote.terms), text=None, reason=None)
            quotes[key] = replace(unsigned, version=quote.version + 1)
    changes = draft.table("contract_change")
    for key, row in list(changes.items()):
        if row.change.owner == customer:
            snapshot = None if row.snapshot is None else replace(_unsigned(row.snapshot), fields=())
            changes[key] = replace(row, change=replace(row.change, reason=None, site=None), snapshot=snapshot)
    lines = {one.id for one in draft.table("subscription").values() if one.customer == customer}
    states = draft.table("subscription_state")
    for key, (line, change) in list(states.items()):
        if line in lines:
            states[key] = (line, replace(change, reason=None))


def _unsigned(contract: Contract) -> Contract:
    past = tuple(replace(one, terms=_nobodys(one.terms)) for one in contract.past)
    return replace(contract, terms=_nobodys(contract.terms), past=past)


def _nobodys(terms: Terms) -> Terms:
    return replace(terms, signatory=None, site=None)
