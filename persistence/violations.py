"""From a constraint of the database to the refusal it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import asyncpg

from domain.refusal import NotFound, Refusal

KEY_MAX = 2**63 - 1


@contextmanager
def refusing(rules: Mapping[str, Refusal]) -> Iterator[None]:
    """Raise the refusal of the constraint that was violated; an unnamed constraint stays a bug.

    A row that row-level security does not let the actor write is answered like a thing that is not there.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as fault:
        refusal = rules.get(fault.constraint_name or "")
        if refusal is None:
            raise
        raise refusal from None
    except asyncpg.InsufficientPrivilegeError as fault:
        if "row-level security" not in str(fault):
            raise
        raise NotFound("no such reseller, or not yours", field="reseller") from None


def beyond(after: int | None) -> int:
    """Return the key that a page's rows lie beyond, as a bigint column can hold it."""
    return min(max(after or 0, 0), KEY_MAX)


def possible(keys: Sequence[int]) -> list[int]:
    """Return the keys that a bigint column can hold, each once; no row has any other."""
    return [key for key in dict.fromkeys(keys) if 0 < key <= KEY_MAX]
