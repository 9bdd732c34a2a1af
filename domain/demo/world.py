"""The demo as one value: operator, catalogue, register and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.contracts.service import Service
from domain.demo import operator
from domain.demo.files import File, Source, make_files, sources
from domain.demo.prices import tariff_document
from domain.demo.register import Register, make_register
from domain.demo.size import STANDARD, Size
from domain.operators import Operator
from domain.resellers.reseller import Reseller


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything of the demo; ``files`` are made when they are asked for, the same each time."""

    size: Size
    operator: Operator
    resellers: tuple[Reseller, ...]
    services: tuple[Service, ...]
    register: Register
    tariff: dict[str, object]
    sources: tuple[Source, ...]

    def files(self) -> Iterator[File]:
        """Yield the month's CDR files in the order of delivery."""
        return make_files(self.register, self.size)


def make_world(size: Size = STANDARD) -> World:
    """Make the demo of a size."""
    return World(
        size=size,
        operator=operator.OPERATOR,
        resellers=operator.RESELLERS,
        services=operator.SERVICES,
        register=make_register(size),
        tariff=tariff_document(),
        sources=sources(),
    )
