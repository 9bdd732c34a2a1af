"""Pictures of brands: documents hold PNG; a JPEG (ISO/IEC 10918) or an SVG becomes one, as large as paper needs."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, UnidentifiedImageError

from domain.refusal import Unreadable
from integrations.printing.svg import drawn, looks_like_svg

PIXELS_MAX: Final = 6_000  # of a side, before a single one is decoded
SIDES: Final = (800, 600, 400, 200)
_JPEG: Final = b"\xff\xd8\xff"


def as_png(content: bytes, *, bytes_max: int) -> bytes:
    """Return a JPEG or SVG as PNG of at most so many bytes; anything else as it is.

    Refuses with: Unreadable (damaged; what an SVG may not hold).
    """
    if looks_like_svg(content):
        for side in SIDES:
            made = drawn(content, side=side)
            if len(made) <= bytes_max:
                break
        return made
    if not content.startswith(_JPEG):
        return content
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as opened:
            if max(opened.size) > PIXELS_MAX:
                raise Unreadable("a picture is at most {most} pixels wide and high", most=PIXELS_MAX, field="content")
            picture = opened.convert("RGB")
    except Image.DecompressionBombError:  # what its head says is enough
        raise Unreadable("a picture is at most {most} pixels wide and high", most=PIXELS_MAX, field="content") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Unreadable("this is not a JPEG picture, or a damaged one", field="content") from None
    for side in SIDES:
        picture.thumbnail((side, side))
        out = io.BytesIO()
        picture.save(out, "PNG", optimize=True)
        if out.tell() <= bytes_max:
            break
    return out.getvalue()
