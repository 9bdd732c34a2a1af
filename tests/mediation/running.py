"""Runs a file through mediation, in blocks of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from domain.mediation.events import EVENT_SCHEMA, REJECT_SCHEMA, Balance, Batch
from domain.usecases.mediate import mediate
from integrations.cdr import registry

NOW_US = 1_795_400_000_000_000  # 2026-11-23


def batches(profile: str, data: bytes, *, block: int = 1 << 20, **options: Any) -> list[Batch]:
    known = registry.profile(profile)
    blocks = [data[at : at + block] for at in range(0, len(data), block)]
    return list(mediate(blocks, known, registry.reader(known), now_us=NOW_US, **options))


def together(parts: Sequence[Batch]) -> tuple[pl.DataFrame, pl.DataFrame, Balance]:
    total = Balance()
    for part in parts:
        part.balance.check()
        total += part.balance
    events = pl.concat([part.events for part in parts]) if parts else EVENT_SCHEMA.to_frame()
    rejects = pl.concat([part.rejects for part in parts]) if parts else REJECT_SCHEMA.to_frame()
    total.check()
    assert (events.height, rejects.height) == (total.events, total.rejects)
    assert events.schema == EVENT_SCHEMA
    assert rejects.schema == REJECT_SCHEMA
    return events, rejects, total


def run(profile: str, data: bytes, **options: Any) -> tuple[pl.DataFrame, pl.DataFrame, Balance]:
    return together(batches(profile, data, **options))
