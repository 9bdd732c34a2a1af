"""Zip archives (APPNOTE 6.3) that hold several files, each to be taken as a file of its own.

Entries are read one by one and never written under their names. Links, encrypted entries and names that lead out of
the archive are refused, and so is what unpacks to more than the limits.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from domain.refusal import LimitExceeded, Unreadable
from integrations.cdr import zip_end

BLOCK_BYTES: Final = 1 << 20
ENTRIES_MAX: Final = 1000
SIZE_MAX: Final = 64 << 30
RATIO_MAX: Final = 100
DIRECTORY_MAX: Final = 1 << 20
_RATIO_FROM: Final = 16 << 20


class ZipArchives:
    """Keeps ``domain.ports.taking.Archives``."""

    def parts(self, file: BinaryIO) -> Sequence[str] | None:
        """Return the entries' names in their order; None where the archive holds one file, or it is no archive.

        Refuses with: Unreadable, LimitExceeded. What is wrong with an archive of one file its reader tells.
        """
        size = file.seek(0, 2)
        entries_declared, length = zip_end.declared(file)
        if entries_declared > ENTRIES_MAX or length > DIRECTORY_MAX:
            raise LimitExceeded("the zip archive holds more than {entries_max} files", entries_max=ENTRIES_MAX)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as wrong:
            raise Unreadable("the zip archive is cut or damaged: {wrong}; fetch it again", wrong=wrong) from None
        if len(entries) == 1:
            return None
        if len(entries) > ENTRIES_MAX:
            raise LimitExceeded("the zip archive holds more than {entries_max} files", entries_max=ENTRIES_MAX)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > SIZE_MAX or (unpacked > _RATIO_FROM and unpacked > RATIO_MAX * size):
            raise LimitExceeded(
                "the zip archive says that it unpacks to {unpacked} bytes: not opened", unpacked=unpacked
            )
        for entry in entries:
            _check(entry)
        names = [entry.filename for entry in entries]
        if not names or len(set(names)) != len(names):
            raise Unreadable("the zip archive is empty" if not names else "the zip archive holds one name twice")
        return names

    def part(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """Yield one entry; more bytes than it declared are a bomb."""
        try:
            with zipfile.ZipFile(file) as archive:
                entry = archive.getinfo(name)
                taken = 0
                with archive.open(entry) as inner:
                    while block := inner.read(BLOCK_BYTES):
                        taken += len(block)
                        if taken > entry.file_size:
                            raise LimitExceeded("{name} unpacks to more than the archive says: not opened", name=name)
                        yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, KeyError) as wrong:
            raise Unreadable("the zip archive is cut or damaged: {wrong}; fetch it again", wrong=wrong) from None


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if (
        name.startswith("/")
        or ".." in name.split("/")
        or not name.isprintable()
        or stat.S_ISLNK(entry.external_attr >> 16)
    ):
        raise Unreadable("an entry of the zip archive points outside of it")
    if entry.flag_bits & 1:
        raise Unreadable("the zip archive is encrypted")
