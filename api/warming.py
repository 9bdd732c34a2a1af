"""Compile what is compiled at run time, so that the first command does not wait for it: ``python -m api.warming``.

It does the demo's main job once, small and in memory, which runs every compiled function with the types it is called
with, and writes two rows for a database; the compiled code is kept on disk.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from pathlib import Path

from api.cli import place_compiled_code

CUSTOMERS = 10
CALLS = 100


async def warm() -> None:
    """Do a small main job in memory."""
    from rich.console import Console  # noqa: PLC0415  (numba is loaded when its directory is known)

    from api.demo import run_main_job  # noqa: PLC0415  (likewise)
    from api.settings import Settings  # noqa: PLC0415  (likewise)
    from api.wiring import in_memory  # noqa: PLC0415  (likewise)

    with tempfile.TemporaryDirectory(prefix="tollwright-warming-") as folder:
        settings = Settings(data_dir=Path(folder), demo_customers=CUSTOMERS, demo_calls=CALLS)
        await run_main_job(in_memory(settings), Console(file=io.StringIO(), width=120))
    await _write_rows()


async def _write_rows() -> None:
    """Encode a column of each kind as COPY takes it, with nothing in it and with something."""
    import pyarrow as pa  # noqa: PLC0415  (likewise)

    from persistence.copying import Target  # noqa: PLC0415  (likewise)

    one = {"int2": 1, "int4": 1, "int8": 1, "text": "a", "jsonb": "{}", "_int8": [1, None], "timestamptz": 0}
    target = Target("warming", {kind: kind for kind in one}, frozenset())
    whole = target.cast(pa.table({kind: [value] for kind, value in one.items()}))
    for table in (whole, pa.table([pa.nulls(1, column.type) for column in whole.schema], schema=whole.schema)):
        assert b"".join([bytes(piece) async for piece in target.encoded(table)])


if __name__ == "__main__":
    print("Compiling the rating kernel (once; a minute at most) ...", file=sys.stderr)  # noqa: T201  (it talks to make)
    place_compiled_code()
    asyncio.run(warm())
