"""The end of a zip archive (APPNOTE 6.3 § 4.3.14 to 4.3.16): what it declares, before its directory is read.

Python reads as much of a directory as its end says that it is long, whatever number of entries stands there: a forged
end lets a million entries pass for one. So the length decides too.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

END_BYTES: Final = 65_557  # the end record with its longest comment
_LOCATOR_BYTES: Final = 20
_WIDE_BYTES: Final = 56
_ENTRY_BYTES: Final = 46  # of the directory, without a name


def declared(file: BinaryIO) -> tuple[int, int]:
    """Return how many entries and how many bytes of directory a seekable file's end declares; 0, 0: it has no end."""
    size = file.seek(0, 2)
    begins = max(0, size - END_BYTES - _LOCATOR_BYTES - _WIDE_BYTES)
    file.seek(begins)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 16:
        file.seek(0)
        return 0, 0
    entries, length = struct.unpack("<HI", tail[end + 10 : end + 16])
    if tail[max(0, end - _LOCATOR_BYTES) : end].startswith(b"PK\x06\x07"):
        place = struct.unpack("<Q", tail[end - 12 : end - 4])[0]
        file.seek(min(place, size))
        # Where the locator points, and where it stands when nothing is between: readers differ.
        for wide in (file.read(_WIDE_BYTES), tail[max(0, end - _LOCATOR_BYTES - _WIDE_BYTES) : end - _LOCATOR_BYTES]):
            if wide.startswith(b"PK\x06\x06") and len(wide) == _WIDE_BYTES:
                more, longer = struct.unpack("<QQ", wide[32:48])
                entries, length = max(entries % 0xFFFF, more), max(length % 0xFFFFFFFF, longer)
    file.seek(0)
    return max(entries, length // (_ENTRY_BYTES + 255)), length
