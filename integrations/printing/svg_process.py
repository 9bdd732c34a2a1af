"""The process that draws one SVG: the picture on standard input, PNG on standard output.

Run as ``python -m integrations.printing.svg_process SIDE FONTS``. Native code and a drawing without end stay in here.
What it is given has been read and checked by ``svg.checked``.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

MEMORY = 1 << 30
SECONDS = 8
FACE = "DejaVu Sans"


def main() -> int:
    """Draw; the exit code tells whether it could be."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    import resvg_py  # noqa: PLC0415  (only this process needs it)

    side, fonts = int(sys.argv[1]), sorted(str(path) for path in Path(sys.argv[2]).glob("*.ttf"))
    picture = sys.stdin.buffer.read().decode()

    def draw(*, wide: int | None = None, high: int | None = None) -> bytes:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=picture,
                width=wide,
                height=high,
                skip_system_fonts=True,  # the same picture on every machine
                font_files=fonts,
                font_family=FACE,
                sans_serif_family=FACE,
                serif_family=FACE,
                monospace_family=FACE,
            )
        )

    try:
        made = draw(wide=side)
        across, down = (int.from_bytes(made[place : place + 4], "big") for place in (16, 20))
        if down > across:
            made = draw(high=side)
    except ValueError:
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
