"""Every secret in the database that is sealed by the master key, and sealing it anew with another one.

A secret is opened for what it is bound to and sealed for the same; it is written only where nobody has changed it
meanwhile. So it can be done beside running servers, be broken off, and be done again: what the newest key sealed is
passed over.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.ports.transports import TransportFault
from persistence.delivery import channel_of
from persistence.engine import OWNER, Database
from persistence.feeds import feed_of
from persistence.provisioning import element_of
from persistence.vault import SealedVault

BLOCK: Final = 200
PREFIX: Final = "sealed:"  # of a text that is sealed, where the column is one of texts


def key_about(kid: str) -> str:
    """Return what a signing key's private half is bound to."""
    return f"signing_key:{kid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A column of sealed secrets. ``about`` tells of a row what its secret is bound to; of JSON, of each name in it."""

    table: str
    key: tuple[str, ...]
    column: str
    about: Callable[[Mapping[str, Any], str], str]

    @property
    def name(self) -> str:
        """What it is called where it is counted."""
        return f"{self.table}.{self.column}"


# A test walks the schema for columns that hold what is sealed and stand not here.
SEALED: Final[Sequence[Sealed]] = (
    Sealed(
        table="feed", key=("operator", "id"), column="credentials", about=lambda row, name: feed_of(row).about(name)
    ),
    Sealed(
        table="delivery_channel",
        key=("operator", "id"),
        column="credentials",
        about=lambda row, name: channel_of(row).about(name),
    ),
    Sealed(
        table="network_element",
        key=("operator", "id"),
        column="credentials",
        about=lambda row, name: element_of(row).about(name),
    ),
    *(
        Sealed(
            table="webhook",
            key=("operator", "id"),
            column=column,
            about=lambda row, _: f"webhook:{row['operator']}:{row['url']}",
        )
        for column in ("secret", "before")
    ),
    *(
        Sealed(
            table="user_secret",
            key=("operator", "person"),
            column=column,
            about=lambda row, _: f"totp of user {row['operator']}:{row['person']}",
        )
        for column in ("totp", "totp_new")
    ),
    Sealed(
        table="api_client",
        key=("client_id",),
        column="sealed_secret",
        about=lambda row, _: f"secret of client {row['client_id']}",
    ),
    Sealed(
        table="identity_provider",
        key=("operator", "id"),
        column="sealed_secret",
        about=lambda row, _: f"secret of identity provider {row['operator']}:{row['name']}",
    ),
    Sealed(table="signing_key", key=("kid",), column="private_pem", about=lambda row, _: key_about(row["kid"])),
)
# Sealed too, and gone within minutes: the key they were sealed with is kept until then.
PASSING: Final = frozenset({"provider_attempt.sealed_verifier"})
# Where secrets stand (``env:``, ``file:``), and no secret.
REFERENCES: Final = frozenset({"collection_agency.credentials", "payment_target.credentials"})


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets of each column were sealed anew, were so already, and could not be opened by any key."""

    done: Mapping[str, int]
    already: int
    lost: Sequence[str]


async def reseal(database: Database, vault: SealedVault, progress: Callable[[int], None] = lambda _: None) -> Resealed:
    """Seal every secret with the newest key; what no key opens is named and left as it is."""
    done: Counter[str] = Counter()
    lost: list[str] = []
    already = 0
    for column in SEALED:
        after: tuple[object, ...] | None = None
        while True:
            rows = await _rows(database, column, after)
            if not rows:
                break
            after = tuple(rows[-1][name] for name in column.key)
            for row in rows:
                try:
                    fresh, changed, kept = _anew(column, row, vault)
                except TransportFault:
                    if row.get("set_aside_at") is not None:
                        continue  # a signing key that was told of when it was set aside
                    lost.append(f"{column.name} of {', '.join(str(row[name]) for name in column.key)}")
                    continue
                already += kept
                if changed and await _write(database, column, row, fresh):
                    done[column.name] += changed
            progress(sum(done.values()))
    return Resealed(dict(done), already, lost)


async def _rows(database: Database, column: Sealed, after: tuple[object, ...] | None) -> Sequence[Mapping[str, Any]]:
    places = ", ".join(column.key)
    beyond = "" if after is None else f"and ({places}) > ({', '.join(f'${n}' for n in range(1, len(after) + 1))})"
    async with database.transaction(role=OWNER, readonly=True) as unit:
        found: Sequence[Mapping[str, Any]] = await unit.connection.fetch(
            f"select * from {column.table} where {column.column} is not null {beyond} order by {places} limit {BLOCK}",  # noqa: S608  (our own words)
            *(after or ()),
        )
    return found


async def _write(database: Database, column: Sealed, row: Mapping[str, Any], fresh: object) -> bool:
    """Write what is sealed anew where it is still what was read."""
    where = " and ".join(f"{name} = ${index}" for index, name in enumerate(column.key, start=3))
    async with database.transaction(role=OWNER) as unit:
        told = await unit.connection.execute(
            f"update {column.table} set {column.column} = $1 where {column.column} = $2 and {where}",  # noqa: S608  (our own words)
            *(fresh, row[column.column]),
            *(row[name] for name in column.key),
        )
    return bool(told.endswith(" 1"))


def _anew(column: Sealed, row: Mapping[str, Any], vault: SealedVault) -> tuple[object, int, int]:
    """Return the column's value sealed by the newest key, how many secrets in it changed, and how many did not."""
    value = row[column.column]
    if isinstance(value, bytes):
        if vault.is_newest(value):
            return value, 0, 1
        return _resealed(vault, value, column.about(row, "")), 1, 0
    if column.table == "signing_key":
        return _text(vault, value, column.about(row, ""))
    told, changed, kept = json.loads(value), 0, 0
    for name, one in told.items():
        if "sealed" not in one:
            continue
        sealed = base64.b64decode(one["sealed"])
        if vault.is_newest(sealed):
            kept += 1
        else:
            fresh = _resealed(vault, sealed, column.about(row, name))
            told[name] = {"sealed": base64.b64encode(fresh).decode()}
            changed += 1
    return json.dumps(told, sort_keys=True), changed, kept


def _text(vault: SealedVault, value: str, about: str) -> tuple[str, int, int]:
    if not value.startswith(PREFIX):  # of a release that kept it in the clear
        return sealed_text(vault, value, about=about), 1, 0
    if vault.is_newest(base64.b64decode(value.removeprefix(PREFIX))):
        return value, 0, 1
    return sealed_text(vault, open_text(vault, value, about=about), about=about), 1, 0


def _resealed(vault: SealedVault, sealed: bytes, about: str) -> bytes:
    return vault.seal(vault.open(sealed, about=about), about=about)


def sealed_text(vault: Any, secret: str, *, about: str) -> str:
    """Return a secret sealed, as a text."""
    return PREFIX + base64.b64encode(vault.seal(secret, about=about)).decode()


def open_text(vault: Any, text: str, *, about: str) -> str:
    """Return what a text seals; one that is not sealed is itself, as earlier releases kept it."""
    if not text.startswith(PREFIX):
        return text
    return str(vault.open(base64.b64decode(text.removeprefix(PREFIX)), about=about))
