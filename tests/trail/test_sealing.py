"""The master key is changed beside running servers, and no secret is lost, forgotten or left with the old key."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api import masterkey
from api.app import application
from api.auth.tokens import make_key
from api.wiring import on_database
from domain.ports.transports import TransportFault, Unopenable
from persistence.credentials import StoredCredentials
from persistence.engine import OWNER, Database
from persistence.sealing import PASSING, REFERENCES, SEALED, reseal
from persistence.vault import SealedVault, key_id, write_keys
from tests.api.conftest import OPERATOR, House, house

__all__ = ["house"]

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_a_sealed_secret_names_its_key_and_both_keys_open() -> None:
    before, both, after = SealedVault(keys=[OLD]), SealedVault(keys=[NEW, OLD]), SealedVault(keys=[NEW])
    old = before.seal("hidden", about="x")
    assert old[1:5] == key_id(OLD)
    assert both.open(old, about="x") == "hidden"
    assert not both.is_newest(old)
    fresh = both.seal("hidden", about="x")
    assert both.is_newest(fresh)
    assert after.open(fresh, about="x") == "hidden"
    for vault, sealed, about in ((before, fresh, "x"), (after, old, "x"), (both, old, "y")):
        with pytest.raises(TransportFault):
            vault.open(sealed, about=about)


def test_what_an_earlier_release_sealed_is_opened_still() -> None:
    nonce = secrets.token_bytes(12)
    sealed = b"\x01" + nonce + AESGCM(OLD).encrypt(nonce, b"hidden", b"x")
    assert SealedVault(keys=[NEW, OLD]).open(sealed, about="x") == "hidden"


def test_another_process_finds_the_new_key_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    one, other = SealedVault(key_file=path), SealedVault(key_file=path)
    old = one.seal("first", about="x")
    assert other.open(old, about="x") == "first"
    write_keys(path, (NEW, *one.keys()))
    one.forget()
    fresh = one.seal("second", about="x")
    assert fresh[1:5] == key_id(NEW)
    assert other.open(fresh, about="x") == "second"
    assert other.open(old, about="x") == "first"
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_sealed_beside_a_rotation_is_sealed_with_the_key_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    server = SealedVault(key_file=path)
    server.seal("s", about="a")
    fresh = secrets.token_bytes(32)
    write_keys(path, (fresh,))
    assert SealedVault(keys=(fresh,)).open(server.seal("s", about="a"), about="a") == "s"


async def test_every_secret_is_sealed_anew_and_broken_off_it_goes_on(database: Database) -> None:
    before, both, after = SealedVault(keys=[OLD]), SealedVault(keys=[NEW, OLD]), SealedVault(keys=[NEW])
    hook = "webhook:1:https://example.com/"
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(OPERATOR, 1, "north", "North")
        for index in range(3):
            await unit.connection.execute(
                "insert into webhook (operator, url, kinds, active, secret, before, created_at)"
                " values (1, 'https://example.com/', '{*}', true, $1, $2, $3)",
                *(before.seal(f"hook {index}", about=hook), before.seal("older", about=hook), NOW),
            )
        await unit.connection.execute(
            "insert into api_client (client_id, operator, name, secret_sha256, scopes, created_at, sealed_secret)"
            " values ('c', 1, 'c', $1, '{}', $2, $3)",
            *(bytes(32), NOW, before.seal("of c", about="secret of client c")),
        )
        # As an earlier release kept it: in the clear.
        key = make_key(NOW)
        await unit.connection.execute(
            "insert into signing_key (kid, private_pem, created_at, signs_from) values ($1, $2, $3, $3)",
            *(key.kid, key.private_pem, NOW),
        )
    assert [one.private_pem for one in await StoredCredentials(database, before).keys(lambda: key)] == [key.private_pem]
    first = await reseal(database, both)
    assert (dict(first.done), first.lost) == (
        {"webhook.secret": 3, "webhook.before": 3, "api_client.sealed_secret": 1, "signing_key.private_pem": 1}, []
    )  # fmt: skip
    again = await reseal(database, both)
    assert (dict(again.done), again.already) == ({}, 8)
    # The old key opens nothing any more, the new one everything.
    async with database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select secret, before from webhook order by id")
        sealed = await unit.connection.fetchval("select sealed_secret from api_client")
        pem = await unit.connection.fetchval("select private_pem from signing_key")
    assert [after.open(row["secret"], about=hook) for row in rows] == ["hook 0", "hook 1", "hook 2"]
    assert after.open(sealed, about="secret of client c") == "of c"
    assert "PRIVATE" not in pem
    assert (await StoredCredentials(database, after).keys(lambda: key))[0].private_pem == key.private_pem
    with pytest.raises(TransportFault):
        before.open(rows[0]["secret"], about=hook)


async def test_what_is_sealed_while_the_key_is_changed_in_one_step_is_not_lost(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody has sealed with the old key, and writes it when everything there was is sealed anew already."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TOLLWRIGHT_REQUEST_SECONDS", "1")
    monkeypatch.setattr(masterkey, "MARGIN_SECONDS", 0.0)
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(OPERATOR, 1, "north", "North")
    server, hook = SealedVault(key_file=tmp_path / "master.key"), "webhook:1:https://example.com/"
    before = server.seal("sealed before", about=hook)
    rotating: asyncio.Task[int] | None = None
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute("select 1")
        rotating = asyncio.create_task(masterkey.rotate(forget_old=True, reseal_only=False))
        await asyncio.sleep(1.6)  # longer than a request takes, and still not written
        assert not rotating.done()
        await unit.connection.execute(
            "insert into webhook (operator, url, kinds, active, secret, created_at)"
            " values (1, 'https://example.com/', '{*}', true, $1, $2)",
            *(before, NOW),
        )
    assert await rotating == 0
    assert json.loads(capsys.readouterr().out)["sealed"] == {"webhook.secret": 1}
    after = SealedVault(key_file=tmp_path / "master.key")
    assert len(after.keys()) == 1
    async with database.transaction(role=OWNER) as unit:
        assert after.open(await unit.connection.fetchval("select secret from webhook"), about=hook) == "sealed before"


async def test_behind_a_restore_without_its_master_key_the_server_starts_and_an_alarm_tells_of_it(
    house: House, tmp_path: Path
) -> None:
    """The key is kept: brought back, the tokens that it signed are believed again."""
    with_key = StoredCredentials(house.database, SealedVault(keys=[OLD]))
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("delete from signing_key")
    (first,) = await with_key.keys(lambda: make_key(NOW))
    without = on_database(house.database, replace(house.wiring.settings, data_dir=tmp_path, master_key=None))
    for _ in range(2):  # told once, however often it starts
        await application(without)
    (fresh,) = await without.credentials.keys(lambda: pytest.fail("it was made when it started"))
    assert fresh.kid != first.kid
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select kind, severity, count, data from alarm order by operator")
        kept = await unit.connection.fetchval("select private_pem from signing_key where kid = $1", first.kid)
    assert {(row["kind"], row["severity"], row["count"]) for row in rows} == {("master_key", "critical", 1)}
    assert json.loads(rows[0]["data"]) == {"kids": [first.kid]}
    assert kept.startswith("sealed:")
    again = await with_key.keys(lambda: pytest.fail("there is one"))
    assert [one.kid for one in again] == [first.kid], "the other one is sealed by another key, and leads nobody here"
    # It is no reason to keep the new key's forerunner for ever.
    assert list((await reseal(house.database, without.vault)).lost) == []  # type: ignore[arg-type]  # a sealed one


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ("webhook:1:https://example.com/", "webhook's secret"),
        ("totp of user 1:2", "authenticator"),
        ("secret of client c", "client's secret"),
        ("secret of identity provider 1:x", "identity provider's secret"),
        ("signing_key:x", "signing key"),
        ("verifier of 00", "begin it again"),
        ("1:network:n:webhook:https://example.com/:signing", "of this network element"),
        ("1:feed:sftp:example.com:22:anna:password", "of this feed"),
    ],
)
def test_what_cannot_be_opened_says_which_kind_it_is_and_what_to_do(about: str, word: str) -> None:
    with pytest.raises(Unopenable, match=word):
        SealedVault(keys=[NEW]).open(SealedVault(keys=[OLD]).seal("x", about=about), about=about)


async def test_a_secret_that_no_key_opens_is_named_and_left(database: Database) -> None:
    other = SealedVault(keys=[os.urandom(32)])
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(OPERATOR, 1, "north", "North")
        await unit.connection.execute(
            "insert into api_client (client_id, operator, name, secret_sha256, scopes, created_at, sealed_secret)"
            " values ('c', 1, 'c', $1, '{}', $2, $3)",
            *(bytes(32), NOW, other.seal("of c", about="secret of client c")),
        )
    done = await reseal(database, SealedVault(keys=[NEW, OLD]))
    assert (dict(done.done), list(done.lost)) == ({}, ["api_client.sealed_secret of c"])


async def test_no_column_of_sealed_secrets_is_forgotten(database: Database) -> None:
    """Whatever the schema calls sealed, or a secret that is not a hash, is sealed anew too."""
    async with database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch(
            "select table_name || '.' || column_name as place from information_schema.columns where table_schema ="
            " 'public'"
            " and (column_name like '%sealed%' or column_name in ('secret', 'credentials', 'totp', 'totp_new',"
            " 'private_pem')) order by 1"
        )
    assert {row["place"] for row in rows} - PASSING - REFERENCES <= {one.name for one in SEALED}
    assert {one.name for one in SEALED} - {"webhook.before"} <= {row["place"] for row in rows}


def test_the_forms_are_told_apart() -> None:
    told = json.dumps({"password": {"sealed": base64.b64encode(SealedVault(keys=[OLD]).seal("p", about="x")).decode()}})
    assert base64.b64decode(json.loads(told)["password"]["sealed"])[:1] == b"\x02"
