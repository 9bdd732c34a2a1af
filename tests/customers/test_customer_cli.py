"""``tollwright customer``, as one types it, on a real database."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from api.cli import DONE, WRONG
from domain.access.actor import system
from domain.customers.customer import CustomerKind
from domain.ids import OperatorId
from domain.usecases.create_customer import CreateCustomer, create_customer
from persistence.engine import Database
from persistence.units import StoredUnits
from tests.stores.worlds import PLACE
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]


async def people(url: str) -> list[str]:
    async with await Database.open(url) as database:
        made = [
            await create_customer(
                CreateCustomer(name="Anna", kind=kind, address=PLACE),
                actor=system(OperatorId(1)),
                begin=StoredUnits(database),
            )
            for kind in CustomerKind
        ]
    return [one.number for one in made]


def test_a_person_is_written_out_and_erased(
    tollwright: Callable[..., Told],
    database_url: str,
    tmp_path: Path,
) -> None:
    tollwright("db", "migrate")
    assert tollwright(*OPERATOR)[0] == DONE
    person, firm = asyncio.run(people(database_url))
    file = tmp_path / "anna.zip"
    code, _, said = tollwright("customer", "export", person, "-o", str(file))
    assert (code, said) == (DONE, "")
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("customer.json"))[0]["number"] == person
        assert [row["action"] for row in json.loads(archive.read("audit.json"))] == ["create_customer", "read_person"]
    code, _, said = tollwright("customer", "export", "4711", "-o", str(file))
    assert (code, "4711" in said) == (WRONG, True)
    code, _, said = tollwright("customer", "erase", person)
    assert (code, "--yes" in said) == (WRONG, True)
    code, (row,), _ = tollwright("customer", "erase", person, "--yes")
    assert (code, row) == (DONE, {"changed": {"events": 0, "notes": 0, "numbers": 0}, "kept": []})
    code, _, said = tollwright("customer", "erase", firm, "--yes")
    assert (code, "organisation" in said) == (WRONG, True)
