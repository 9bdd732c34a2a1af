"""QR codes by segno."""

from __future__ import annotations

import io
from typing import Final

import segno

SCALE: Final = 5
BORDER: Final = 4  # modules; ISO/IEC 18004 asks for as many


class QrPictures:
    """Keeps ``domain.ports.factors.Pictures``."""

    def svg(self, text: str) -> str:
        """Return one as SVG, without a script or anything that is fetched."""
        out = io.BytesIO()
        segno.make_qr(text, error="m").save(out, kind="svg", scale=SCALE, border=BORDER, xmldecl=False)
        return out.getvalue().decode()

    def png(self, text: str) -> bytes:
        """Return one as PNG."""
        out = io.BytesIO()
        segno.make_qr(text, error="m").save(out, kind="png", scale=SCALE, border=BORDER)
        return out.getvalue()
