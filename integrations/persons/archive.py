"""What is kept of a person as a ZIP of JSON files, one per part, each an array of objects in UTF-8."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any, Final

MEDIA_TYPE: Final = "application/zip"
_READ_ME: Final = """What is kept of this customer, by part. Times are UTC, amounts are text.
customer.json: its own row and those of doubles merged into it, with contacts and fields. places.json: its places in
the tree. groups.json, notes.json. contracts.json, subscriptions.json: with numbers and since when. invoices.json: with
every line. payments.json. usage.json: every rated event with what was charged for it. audit.json: who did what to it.
"""


async def write_archive(parts: AsyncIterator[tuple[str, Sequence[Mapping[str, Any]]]], out: IO[bytes]) -> None:
    """Write parts as they come; the blocks of one part follow each other. ``out`` can be sought in or not."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, ExitStack() as stack:
        archive.writestr("README.txt", _READ_ME)
        name, file, count = "", None, 0
        async for part, rows in parts:
            if part != name:
                _end(file)
                stack.close()
                name, count = part, 0
                file = stack.enter_context(archive.open(f"{part}.json", "w", force_zip64=True))
                file.write(b"[")
            assert file is not None
            for row in rows:
                file.write((b",\n" if count else b"\n") + json.dumps(row, ensure_ascii=False).encode())
                count += 1
        _end(file)


def _end(file: IO[bytes] | None) -> None:
    if file is not None:
        file.write(b"\n]\n")
