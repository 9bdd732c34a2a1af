"""Which module writes which file that we send.

A new one is a module with a pure ``write(batch, ...) -> bytes``, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from domain.payments.orders import Batch, Scheme
from domain.refusal import BadValue
from integrations.payments import autogiro_orders, avtalegiro_orders, dk_bs_orders, pain001_orders, pain008_orders


@dataclass(frozen=True, slots=True)
class Writer:
    """How a file is written. ``suffix`` is the end of its name."""

    write: Callable[[Batch], bytes]
    suffix: str = "txt"


_WRITERS: Final = {
    "autogiro": Writer(autogiro_orders.write),
    "avtalegiro": Writer(avtalegiro_orders.write),
    "bs0601": Writer(dk_bs_orders.write),
    "bs0601-test": Writer(partial(dk_bs_orders.write, test=True)),
    "pain008.02": Writer(partial(pain008_orders.write, version="02"), "xml"),
    "pain008.08": Writer(partial(pain008_orders.write, version="08"), "xml"),
    "pain008.02-b2b": Writer(partial(pain008_orders.write, version="02", scheme=Scheme.SEPA_B2B), "xml"),
    "pain008.08-b2b": Writer(partial(pain008_orders.write, version="08", scheme=Scheme.SEPA_B2B), "xml"),
    "pain001.03": Writer(partial(pain001_orders.write, version="03"), "xml"),
    "pain001.09": Writer(partial(pain001_orders.write, version="09"), "xml"),
}
WRITTEN: Final = tuple(_WRITERS)


def writer(name: str) -> Writer:
    """Return a format's writer. Refuses with: BadValue (no such format)."""
    if name not in _WRITERS:
        raise BadValue("no format {name!r} is written; there are {listed}", name=name, listed=", ".join(WRITTEN))
    return _WRITERS[name]


def write(name: str, batch: Batch) -> bytes:
    """Write a file. Refuses with: BadValue (no such format, a field that does not fit)."""
    return writer(name).write(batch)
