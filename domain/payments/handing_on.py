"""Where payment files are handed on to, once they are taken in: the operator's own other system."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.ids import OperatorId, PaymentFileId
from domain.refusal import BadValue

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place that each file is put into once, under its number and name. Secrets are references (``env:NAME``)."""

    id: int
    operator: OperatorId
    name: str
    address: str
    host_keys: tuple[str, ...] = ()
    ca: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOn:
    """A file that goes, or went, to a target."""

    id: int
    operator: OperatorId
    target: int
    file: PaymentFileId
    done_at: dt.datetime | None = None
    version: int = 1


def check(target: Target) -> Target:
    """Return a target that can be kept. Refuses with: BadValue."""
    if not NAME.fullmatch(target.name):
        raise BadValue("a target's name has 1 to 60 letters, digits and ._-", field="name")
    return target
