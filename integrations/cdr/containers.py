"""gzip (RFC 1952), zip (APPNOTE 6.3) and zstd (RFC 8878) around a file of records, with ratio and size limits.

The magic decides, not the file's name. A compressed file is checked whole before anything is read from it, so that a
cut stream loads nothing. An archive within an archive is left packed, and then refused as binary by its reader.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import pyarrow as pa

from domain.refusal import LimitExceeded, Unreadable
from integrations.cdr import zip_end

BLOCK_BYTES: Final = 1 << 20
SIZE_MAX: Final = 64 << 30
RATIO_MAX: Final = 100
_RATIO_FROM: Final = 16 << 20  # small files may be packed as well as they like
_ENTRIES_MAX: Final = 100
_DIRECTORY_MAX: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


def kind(file: BinaryIO) -> str | None:
    """Return gzip, zip or zstd by the first bytes of a seekable file, or None where it is not packed."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZIP):
        return "zip"
    return "zstd" if head == _ZSTD else None


def check(file: BinaryIO, *, size_max: int = SIZE_MAX, ratio_max: int = RATIO_MAX) -> None:
    """Read a packed file through once. Refuses with: Unreadable (cut or damaged), LimitExceeded."""
    if kind(file) is not None:
        for _ in blocks(file, size_max=size_max, ratio_max=ratio_max):
            pass


def blocks(file: BinaryIO, *, size_max: int = SIZE_MAX, ratio_max: int = RATIO_MAX) -> Iterator[bytes]:
    """Yield a seekable file's bytes from its beginning, unpacked. Refuses with: Unreadable, LimitExceeded."""
    packed = kind(file)
    size_packed = file.seek(0, 2)
    file.seek(0)
    size = 0
    for block in {"gzip": _gzip, "zip": _zip, "zstd": _zstd, None: _plain}[packed](file):
        size += len(block)
        if size > size_max:
            raise LimitExceeded("the file is over {size_max} bytes unpacked", size_max=size_max)
        if packed is not None and size > _RATIO_FROM and size > ratio_max * size_packed:
            raise LimitExceeded(
                "the file unpacks to more than {ratio_max} times its size: not opened", ratio_max=ratio_max
            )
        if block:
            yield block


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    begun = False
    try:
        while block := file.read(BLOCK_BYTES):
            while block:
                if unpacker.eof:
                    block = block.lstrip(b"\0")  # gzip members may be padded, as on tapes
                    if not block:
                        break
                    unpacker = zlib.decompressobj(wbits=31)
                begun = True
                yield unpacker.decompress(block, BLOCK_BYTES)
                block = unpacker.unconsumed_tail or unpacker.unused_data
        while begun and not unpacker.eof:
            rest = unpacker.decompress(unpacker.unconsumed_tail, BLOCK_BYTES)
            if not rest:
                raise Unreadable("the gzip file is cut: its end is missing; fetch it again")
            yield rest
    except zlib.error as wrong:
        raise Unreadable("the gzip file is damaged: {wrong}; fetch it again", wrong=wrong) from None


def _zip(file: BinaryIO) -> Iterator[bytes]:
    entries_declared, length = zip_end.declared(file)
    if entries_declared > _ENTRIES_MAX or length > _DIRECTORY_MAX:
        raise Unreadable(
            "the zip archive holds more than {most} entries; give one file of records per archive", most=_ENTRIES_MAX
        )
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) != 1:
                raise Unreadable(
                    "the zip archive holds {count} files; give one file of records per archive", count=len(entries)
                )
            entry = entries[0]
            name = entry.filename.replace("\\", "/")
            if name.startswith("/") or ".." in name.split("/") or stat.S_ISLNK(entry.external_attr >> 16):
                raise Unreadable("the zip archive's entry points outside of it")
            if entry.flag_bits & 1:
                raise Unreadable("the zip archive is encrypted")
            with archive.open(entry) as inner:
                while block := inner.read(BLOCK_BYTES):
                    yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as wrong:
        raise Unreadable("the zip archive is cut or damaged: {wrong}; fetch it again", wrong=wrong) from None


class _Lent(io.RawIOBase):
    """A file that pyarrow reads and does not close with its stream: it is read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    try:
        with pa.CompressedInputStream(pa.PythonFile(_Lent(file), mode="r"), "zstd") as unpacked:
            while block := unpacked.read(BLOCK_BYTES):
                yield block
    except (pa.ArrowException, OSError) as wrong:
        raise Unreadable(
            "the zstd file is cut or damaged: {splitlines}; fetch it again", splitlines=str(wrong).splitlines()[0]
        ) from None
