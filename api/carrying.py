"""Does what a second person has approved, by the use case of its operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.usecases.change_prices import change_prices
from domain.usecases.commissions import make_statement
from domain.usecases.create_price_list import create_price_list
from domain.usecases.credit_invoice import credit_invoice
from domain.usecases.decide_approval import Carry
from domain.usecases.dispute_invoice import dispute_invoice
from domain.usecases.grant_units import grant_units, withdraw_grant
from domain.usecases.import_tariff import import_tariff
from domain.usecases.limit_credit import override_credit, remove_credit_limit, set_credit_limit
from domain.usecases.lock_ledger import unlock_ledger
from domain.usecases.price_contract import price_contract
from domain.usecases.publish_draft import publish_draft
from domain.usecases.refund_credit import refund_credit
from domain.usecases.reissue_invoice import reissue_invoice
from domain.usecases.run_bills import run_bills
from domain.usecases.schedule_bills import put_bill_schedule
from domain.usecases.schedule_debits import release_orders
from domain.usecases.self_bill import credit_self_billed, self_bill
from domain.usecases.settle_items import write_off
from domain.usecases.write_orders import take_order_file

WATCHED: Final[Mapping[str, Callable[..., Awaitable[Any]]]] = {
    one.__name__: one
    for one in (
        *(publish_draft, import_tariff, create_price_list, change_prices, price_contract),
        *(credit_invoice, reissue_invoice, grant_units, withdraw_grant, run_bills, make_statement, unlock_ledger),
        *(take_order_file, release_orders),
        *(put_bill_schedule, set_credit_limit, remove_credit_limit, override_credit, refund_credit, write_off),
        *(dispute_invoice, self_bill, credit_self_billed),
    )
}
_RATING: Final = frozenset({"grant_units", "withdraw_grant", "run_bills"})


def carrier(wiring: Wiring) -> Carry:
    """Return what carries approved commands out."""

    def carry(operation: str, command: object, actor: Actor) -> Awaitable[Any]:
        more: dict[str, Any] = {"raters": wiring.raters} if operation in _RATING else {}
        if operation == "run_bills":
            more["hands"] = wiring.hands
        return WATCHED[operation](command, actor=actor, begin=wiring.begin, clock=wiring.clock, **more)

    return carry
