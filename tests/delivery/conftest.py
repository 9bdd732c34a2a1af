"""An office whose customers get their invoices by every way, billed once; on both stores."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from domain.customers.customer import Delivery
from domain.operators import Address
from domain.ports.mail import Letter, MailFault
from domain.ports.page import PageRequest
from domain.usecases.carry_document import Carriers
from integrations.einvoice.rules import Checker
from integrations.einvoice.smp import SmpDirectory
from integrations.printing.documents import InvoiceDocuments
from integrations.transports.addresses import read_networks
from integrations.transports.http import CheckedHttp
from integrations.transports.registry import KnownTransports
from persistence.blobs import FileBlobs
from persistence.vault import SealedVault, read_keys
from tests.invoicing.conftest import Office, backing, office  # noqa: F401  (fixtures of the office)
from tests.stores.worlds import World

WAYS = (Delivery.PRINT, Delivery.PRINT, Delivery.PRINT, Delivery.EMAIL, Delivery.PEPPOL, Delivery.PDF)
POSTCODES = ("972 33", "111 22", "903 30", "111 22", "111 22", "111 22")


@dataclass
class Post:
    """A mailer that keeps what it was given, or does not take it."""

    letters: list[Letter] = field(default_factory=list)
    fault: MailFault | None = None

    async def send(self, letter: Letter) -> None:
        """Keep it."""
        if self.fault is not None:
            raise self.fault
        self.letters.append(letter)


@dataclass
class Outgoing:
    """The office with its invoices, and what carries them."""

    office: Office
    world: World
    post: Post
    carriers: Carriers
    blobs: FileBlobs
    folder: Path

    @property
    def given(self) -> dict:
        """The arguments of every use case."""
        return {"actor": self.world.operator, "begin": self.world.begin, "clock": self.world.clock}

    async def invoices(self) -> list:
        """Return the invoices by number."""
        async with self.office.begin() as unit:
            page = await unit.invoices.page(PageRequest(100))
        return sorted(page.items, key=lambda one: one.number)

    async def dispatches(self) -> list:
        """Return the dispatches by key."""
        async with self.office.begin() as unit:
            return list((await unit.dispatches.page(PageRequest(100))).items)


@pytest.fixture
async def outgoing(office: Office, tmp_path: Path) -> Outgoing:  # noqa: F811  (the fixture)
    for index, (way, postcode) in enumerate(zip(WAYS, POSTCODES, strict=True)):
        await office.customer(
            number=f"10{index:02d}",
            name=f"Kund {index}",
            delivery=way,
            address=Address("Gatan 1", postcode, "Orten", "SE"),
            email="kund@example.test",
            endpoint="0007:5567037485",
            identity_number="5567037485",
        )
    async with office.begin() as unit:
        own = await unit.operators.own()
        await unit.operators.keep(replace(own, endpoint="0007:5560360793", bankgiro="50501055"))
    await office.bill()
    post, folder = Post(), tmp_path / "drop"
    folder.mkdir()
    carriers = Carriers(
        documents=InvoiceDocuments(),
        rules=Checker(rules_may_miss=True),
        http=CheckedHttp(read_networks("127.0.0.0/8")),
        transports=KnownTransports(roots=(tmp_path,)),
        mailer=post,
        recipients=SmpDirectory(CheckedHttp(read_networks("127.0.0.0/8")), ["127.0.0.1"], port=9, seconds=0.5),
        vault=SealedVault(keys=read_keys(base64.b64encode(bytes(range(32))).decode())),
    )
    yield Outgoing(office, office.world, post, carriers, FileBlobs(tmp_path / "blobs"), folder)
    carriers.rules.close()
