"""What is kept of a person as a file, for every protocol alike."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import IO, Any, Final

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.refusal import LimitExceeded
from domain.usecases.tell_person import tell_person
from integrations.persons.archive import write_archive

IN_MEMORY: Final = 4 * 2**20
# What an answer in base64 may carry; the download over REST has no such end.
INLINE_MAX: Final = 16 * 2**20


async def person_file(key: CustomerId, *, wiring: Wiring, actor: Actor) -> IO[bytes]:
    """Return the archive of a customer, to be read from its beginning. Refuses as ``tell_person`` does."""
    out: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the caller closes it)
    try:
        parts: Any = tell_person(key, actor=actor, begin=wiring.begin)
        async with aclosing(parts) as told:
            await write_archive(told, out)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    file: IO[bytes] = out
    return file


async def person_bytes(key: CustomerId, *, wiring: Wiring, actor: Actor) -> bytes:
    """Return the archive whole. Refuses with: LimitExceeded, and as ``tell_person`` does."""
    with await person_file(key, wiring=wiring, actor=actor) as file:
        content = file.read(INLINE_MAX + 1)
    if len(content) > INLINE_MAX:
        raise LimitExceeded("this is more than an answer carries; fetch it over REST", field="customer")
    return content


def file_name(customer: Customer) -> str:
    """Return what the archive is called: letters, digits and hyphens of the customer's number."""
    return f"customer-{re.sub(r'[^A-Za-z0-9-]', '_', customer.number)}.zip"


async def blocks(file: IO[bytes], size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Yield a file to its end and close it."""
    with file:
        while block := file.read(size):
            yield block
