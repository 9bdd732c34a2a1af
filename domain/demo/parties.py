"""The register as parties of a tariff document, for rating its files without a database."""

from __future__ import annotations

from domain.demo.operator import RESELLERS
from domain.demo.register import Register
from domain.resellers.reseller import tiers


def parties(register: Register) -> dict[str, dict[str, object]]:
    """Return each line as a party with its lists and numbers.

    A document's number has one party for good: the one that changes hands inside the month stays with its first.
    """
    tree = {reseller.id: reseller for reseller in RESELLERS}
    customers = {customer.id: customer for customer in register.customers}
    contracts = {contract.id: contract for contract in register.contracts}
    taken: set[str] = set()
    found: dict[str, dict[str, object]] = {}
    for line in register.subscriptions:
        contract, customer = contracts[line.contract], customers[line.customer]
        numbers = [held.number for held in line.numbers if held.number not in taken]
        taken.update(numbers)
        found[f"{contract.number}-{line.id}"] = {
            "retail": contract.price_list or customer.price_list,
            "wholesale": [tier.price_list for tier in tiers(contract.reseller, tree)],
            "numbers": numbers,
        }
    return found
