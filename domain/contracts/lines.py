"""Which services can stand on a contract together: validity, bundles with their parts, needs and conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from domain.contracts.contract import ContractService
from domain.contracts.service import Service
from domain.ids import ServiceId
from domain.refusal import BadValue

_FOREVER: Final = date.max


def named(lines: Iterable[ContractService], services: Mapping[ServiceId, Service] | None = None) -> set[ServiceId]:
    """Return the services of the lines, and with ``services`` also their parts and what they need."""
    found = {line.service for line in lines}
    if services is not None:
        for key in list(found):
            if one := services.get(key):
                found |= {part.service for part in one.parts} | set(one.needs)
    return found


def unpacked(
    lines: Sequence[ContractService], services: Mapping[ServiceId, Service], before: Sequence[ContractService] = ()
) -> tuple[ContractService, ...]:
    """Return the lines with the parts of every bundle behind it; parts that were there before stay as they were.

    Lines that say they are a bundle's are made anew from the bundle, so that one can give back what one has read.
    """
    found: list[ContractService] = []
    for line in lines:
        if line.bundle is not None:
            continue
        found.append(line)
        place = (line.service, line.start, line.subscription)
        kept = [one for one in before if (one.bundle, one.start, one.subscription) == place]
        was = next((one for one in before if (one.service, one.start, one.subscription) == place), None)
        if kept and was is not None and was.quantity == line.quantity:
            found += [replace(one, end=line.end) for one in kept]
            continue
        found += [
            ContractService(
                service=part.service,
                start=line.start,
                end=line.end,
                quantity=part.quantity * line.quantity,
                one_time_fee=part.one_time_fee,
                periodic_fee=part.periodic_fee,
                subscription=line.subscription,
                bundle=line.service,
            )
            for part in services[line.service].parts
        ]
    return tuple(found)


def check_lines(
    lines: Sequence[ContractService], services: Mapping[ServiceId, Service], before: Sequence[ContractService] = ()
) -> None:
    """Check that the lines can stand together. Refuses with: BadValue, naming the line.

    Lines of different subscriptions do not concern each other; one without a subscription concerns all. What stood
    there ``before`` keeps its right to: a service that is sold no more goes on for those who have it.
    """
    old = set(before)
    for index, line in enumerate(lines):
        at = f"services.{index}.service"
        service = services[line.service]
        if line not in old and not any(_same(line, one) for one in old):
            _check_sold(line, service, at)
        for other in lines:
            if other is not line and _meet(line, other) and other.service in service.excludes:
                raise BadValue(
                    "{one} cannot stand beside {other}", one=service.code, other=services[other.service].code, field=at
                )
        for need in service.needs:
            gap = next(_gaps(line, [other for other in lines if other.service == need and _beside(line, other)]), None)
            if gap is not None:
                code = services[need].code if need in services else str(need)
                raise BadValue("{one} needs {other} on {day}", one=service.code, other=code, day=gap, field=at)


def _check_sold(line: ContractService, service: Service, at: str) -> None:
    if service.valid_from is not None and line.start < service.valid_from:
        raise BadValue("{one} is sold from {day}", one=service.code, day=service.valid_from, field=at)
    if service.valid_to is not None and line.start >= service.valid_to:
        raise BadValue("{one} was sold until {day}", one=service.code, day=service.valid_to, field=at)


def _same(line: ContractService, other: ContractService) -> bool:
    return (line.service, line.start, line.subscription) == (other.service, other.start, other.subscription)


def _beside(line: ContractService, other: ContractService) -> bool:
    return line.subscription is None or other.subscription in {None, line.subscription}


def _meet(line: ContractService, other: ContractService) -> bool:
    apart = line.subscription is not None and other.subscription is not None and line.subscription != other.subscription
    return not apart and line.start < (other.end or _FOREVER) and other.start < (line.end or _FOREVER)


def _gaps(line: ContractService, held: Sequence[ContractService]) -> Iterator[date]:
    """Yield the first day of the line on which none of the others is held, where there is one."""
    day = line.start
    for other in sorted(held, key=lambda one: one.start):
        if other.start > day:
            break
        day = max(day, other.end or _FOREVER)
    if day < (line.end or _FOREVER):
        yield day
