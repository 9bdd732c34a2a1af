"""``tollwright credit``, as one types it, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api.cli import DONE, WRONG
from domain.access.actor import system
from domain.customers.customer import Address, CustomerKind
from domain.ids import OperatorId
from domain.usecases.create_customer import CreateCustomer, create_customer
from persistence.engine import Database
from persistence.units import StoredUnits
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]


async def customer(url: str) -> str:
    """Make a customer and return its number."""
    async with await Database.open(url) as database:
        made = await create_customer(
            CreateCustomer(name="Kalle", kind=CustomerKind.PERSON, address=Address("Gatan 3", "211 22", "Malmö", "SE")),
            actor=system(OperatorId(1)),
            begin=StoredUnits(database),
        )
    return made.number


def test_customers_are_named_by_their_numbers(tollwright: Callable[..., Told], database_url: str) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    number = asyncio.run(customer(database_url))
    code, (made,), _ = tollwright("credit", "limit", "500", "--customer", number)
    assert (code, made["amount"]) == (DONE, "500.00")
    assert tollwright("credit", "limits", "--customer", number)[1][0]["id"] == made["id"]
    assert tollwright("credit", "show", number)[0] == DONE
    assert tollwright("credit", "override", number, "--reason", "pays on Friday")[0] == DONE
    assert tollwright("credit", "reservations", "--customer", number) == (DONE, [], "")
    for asked in (("show", "4711"), ("limits", "--customer", "4711"), ("limit", "5", "--customer", "4711")):
        code, _, said = tollwright("credit", *asked)
        assert code == WRONG
        assert "no customer 4711" in said


def test_a_rule_that_is_not_there_is_not_made_by_removing_it(tollwright: Callable[..., Told]) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    rule = ("credit", "rule", "night", "--measure", "calls", "--most", "200")
    assert tollwright(*rule, "--remove")[0] == WRONG
    assert tollwright("credit", "rules")[1] == []
    assert tollwright(*rule)[0] == DONE
    assert tollwright(*rule, "--remove")[0] == DONE
    assert tollwright("credit", "rules")[1] == []
