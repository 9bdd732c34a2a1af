"""What people prove themselves by, in PostgreSQL. What must happen once happens in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.proof import (
    ATTEMPTS_FORGOTTEN,
    ATTEMPTS_FREE,
    LOCK_FIRST,
    LOCK_MAX,
    Challenge,
    Proofs,
    Purpose,
    SecurityKey,
    Step,
)
from domain.ids import UserId
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.violations import possible, refusing

_KEY: Final = "id, rp, credential, public_key, sign_count, name, created_at, used_at"
# The row is locked while it is looked at, so that of many at the same moment as many are let in as may be.
_ATTEMPT: Final = """
insert into user_attempt as a (operator, person, step, place, attempts, last_at) values ($1, $2, $3, $4, 1, $5)
on conflict (operator, person, step, place) do update set
    attempts = case when a.last_at < $5 - $6::interval then 1 else a.attempts + 1 end,
    locked_until = case when a.last_at >= $5 - $6::interval and a.attempts + 1 >= $7
        then $5 + least($8::interval * power(2, least(a.attempts + 1 - $7, 20)), $9::interval) end,
    last_at = $5
where a.locked_until is null or a.locked_until <= $5
returning attempts"""


def _key(row: Mapping[str, Any]) -> SecurityKey:
    return SecurityKey(**dict(row, credential=bytes(row["credential"]), public_key=bytes(row["public_key"])))


class StoredProofs:
    """Keeps ``domain.ports.users.ProofStore`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def _run(self, statement: str, *arguments: object) -> int:
        """Run a statement of the unit's operator; return how many rows it touched."""
        said = await self._connection.execute(statement, self._operator, *arguments)
        return int(said.split()[-1])

    async def _once(self, statement: str, *arguments: object) -> bool:
        """Run a statement that finds its one row, or comes too late."""
        return await self._run(statement, *arguments) == 1

    async def of(self, person: UserId) -> Proofs:
        """Return what is kept of one."""
        row = await self._connection.fetchrow(
            "select password, password_at, totp, totp_new, (select count(*) from user_recovery_code c"
            "   where c.operator = s.operator and c.person = s.person and c.used_at is null) as recovery"
            " from user_secret s where operator = $1 and person = $2",
            *(self._operator, person),
        )
        if row is None:
            return Proofs()
        keys = await self._connection.fetch(
            f"select {_KEY} from user_security_key where operator = $1 and person = $2 order by id",  # noqa: S608  (our own words)
            *(self._operator, person),
        )
        return Proofs(**dict(row), keys=tuple(_key(dict(one)) for one in keys))

    async def put_password(self, person: UserId, password: str, at: datetime) -> None:
        """Keep a hash in the place of the one before."""
        await self._run(
            "insert into user_secret (operator, person, password, password_at) values ($1, $2, $3, $4)"
            " on conflict (operator, person) do update set password = $3, password_at = $4",
            *(person, password, at),
        )

    async def swap_hash(self, person: UserId, before: str, password: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""
        await self._run(
            "update user_secret set password = $4 where operator = $1 and person = $2 and password = $3",
            *(person, before, password),
        )

    async def start_totp(self, person: UserId, sealed: bytes) -> None:
        """Keep a seed that is not confirmed yet."""
        await self._run(
            "insert into user_secret (operator, person, totp_new) values ($1, $2, $3)"
            " on conflict (operator, person) do update set totp_new = $3",
            *(person, sealed),
        )

    async def confirm_totp(self, person: UserId, sealed: bytes, step: int) -> bool:
        """Let this new seed hold, and its step be used; False where another was begun meanwhile."""
        return await self._once(
            "update user_secret set totp = totp_new, totp_new = null, totp_step = $4"
            " where operator = $1 and person = $2 and totp_new = $3",
            *(person, sealed, step),
        )

    async def take_step(self, person: UserId, step: int) -> bool:
        """Use a time step up; False where it, or a later one, was used before."""
        return await self._once(
            "update user_secret set totp_step = $3 where operator = $1 and person = $2 and totp_step < $3", person, step
        )

    async def drop_totp(self, person: UserId) -> None:
        """Forget the seed."""
        await self._run(
            "update user_secret set totp = null, totp_new = null where operator = $1 and person = $2", person
        )

    async def put_recovery(self, person: UserId, hashes: Sequence[bytes]) -> None:
        """Keep new recovery codes in the place of all before."""
        await self._run("delete from user_recovery_code where operator = $1 and person = $2", person)
        await self._run(
            "insert into user_recovery_code (operator, person, sha256) select $1, $2, unnest($3::bytea[])",
            *(person, list(hashes)),
        )

    async def use_recovery(self, person: UserId, sha256: bytes, at: datetime) -> bool:
        """Use a code up; False where there is none, or it was used before."""
        return await self._once(
            "update user_recovery_code set used_at = $4"
            " where operator = $1 and person = $2 and sha256 = $3 and used_at is null",
            *(person, sha256, at),
        )

    async def ask_key(self, person: UserId, asked: bytes, rp: str, until: datetime) -> None:
        """Remember what a new security key is to sign."""
        await self._run(
            "insert into user_secret (operator, person, asked, asked_rp, asked_until) values ($1, $2, $3, $4, $5)"
            " on conflict (operator, person) do update set asked = $3, asked_rp = $4, asked_until = $5",
            *(person, asked, rp, until),
        )

    async def asked_key(self, person: UserId, at: datetime) -> tuple[bytes, str] | None:
        """Take back what a new key was asked, and for which host, once."""
        row = await self._connection.fetchrow(
            "with old as (select operator, person, asked, asked_rp, asked_until from user_secret"
            "   where operator = $1 and person = $2 for update)"
            " update user_secret s set asked = null, asked_rp = null, asked_until = null from old"
            " where s.operator = old.operator and s.person = old.person"
            " returning old.asked, old.asked_rp, old.asked_until",
            *(self._operator, person),
        )
        if row is None or row["asked"] is None or row["asked_until"] <= at:
            return None
        return bytes(row["asked"]), row["asked_rp"]

    async def add_key(self, person: UserId, key: SecurityKey) -> SecurityKey:
        """Keep a security key. Refuses with: Conflict (it is registered already)."""
        taken = Conflict("this security key is registered already", field="credential")
        with refusing({"user_security_key_credential": taken}):
            row = await self._connection.fetchrow(
                "insert into user_security_key (operator, person, rp, credential, public_key, sign_count, name,"  # noqa: S608  (our own words)
                f" created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning {_KEY}",
                *(self._operator, person, key.rp, key.credential, key.public_key, key.sign_count, key.name),
                key.created_at,
            )
        return _key(dict(row))

    async def use_key(self, person: UserId, key: int, before: int, count: int, at: datetime) -> bool:
        """Write a key's counter; False where it was used meanwhile."""
        return await self._once(
            "update user_security_key set sign_count = $5, used_at = $6"
            " where operator = $1 and person = $2 and id = $3 and sign_count = $4",
            *(person, key, before, count, at),
        )

    async def remove_key(self, person: UserId, key: int) -> SecurityKey:
        """Forget a key. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                f"delete from user_security_key where operator = $1 and person = $2 and id = $3 returning {_KEY}",  # noqa: S608  (our own words)
                *(self._operator, person, key),
            )
        if row is None:
            raise NotFound("no such security key", field="key")
        return _key(dict(row))

    async def put_link(self, person: UserId, purpose: Purpose, sha256: bytes, at: datetime, until: datetime) -> None:
        """Keep a link in the place of the one before of its purpose."""
        await self._run(
            "insert into user_link (operator, person, purpose, sha256, created_at, expires_at)"
            " values ($1, $2, $3, $4, $5, $6) on conflict (operator, person, purpose)"
            " do update set sha256 = $4, created_at = $5, expires_at = $6",
            *(person, purpose.value, sha256, at, until),
        )

    async def linked_at(self, person: UserId, purpose: Purpose) -> datetime | None:
        """Return when the link was made that is there."""
        found: datetime | None = await self._connection.fetchval(
            "select created_at from user_link where operator = $1 and person = $2 and purpose = $3",
            *(self._operator, person, purpose.value),
        )
        return found

    async def linked(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Return whose link it is, while it holds."""
        found = await self._connection.fetchval(
            "select person from user_link where operator = $1 and sha256 = $2 and purpose = $3 and expires_at > $4",
            *(self._operator, sha256, purpose.value, at),
        )
        return None if found is None else UserId(found)

    async def use_link(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Use a link up and return whose it is; None where it is none, or was used, or is too old."""
        found = await self._connection.fetchval(
            "delete from user_link where operator = $1 and sha256 = $2 and purpose = $3 and expires_at > $4"
            " returning person",
            *(self._operator, sha256, purpose.value, at),
        )
        return None if found is None else UserId(found)

    async def add_challenge(self, challenge: Challenge) -> None:
        """Keep a half-login; those of the same person that are over are forgotten."""
        await self._run(
            "delete from user_challenge where operator = $1 and person = $2"
            " and expires_at < $3::timestamptz - interval '1 hour'",
            *(challenge.person, challenge.expires_at),
        )
        await self._run(
            "insert into user_challenge (operator, sha256, person, first, request, asked, expires_at)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            *(challenge.sha256, challenge.person, challenge.first, json.dumps(dict(challenge.request))),
            *(challenge.asked, challenge.expires_at),
        )

    async def challenge(self, sha256: bytes, at: datetime) -> Challenge | None:
        """Return a half-login, while it lasts."""
        row = await self._connection.fetchrow(
            "select sha256, person, first, request, asked, expires_at from user_challenge"
            " where operator = $1 and sha256 = $2 and expires_at > $3",
            *(self._operator, sha256, at),
        )
        if row is None:
            return None
        return Challenge(
            sha256=bytes(row["sha256"]),
            person=UserId(row["person"]),
            first=row["first"],
            request=json.loads(row["request"]),
            asked=None if row["asked"] is None else bytes(row["asked"]),
            expires_at=row["expires_at"],
        )

    async def ask_challenge(self, sha256: bytes, asked: bytes) -> None:
        """Remember what a security key is to sign."""
        await self._run("update user_challenge set asked = $3 where operator = $1 and sha256 = $2", sha256, asked)

    async def end_challenge(self, sha256: bytes) -> bool:
        """Use a half-login up; False where another was quicker."""
        return await self._once("delete from user_challenge where operator = $1 and sha256 = $2", sha256)

    async def attempt(self, person: UserId, step: Step, place: str, at: datetime) -> int | None:
        """Count an attempt before it is looked at; return how many in a row, None while he is locked."""
        found: int | None = await self._connection.fetchval(
            _ATTEMPT,
            *(self._operator, person, step.value, place, at),
            *(ATTEMPTS_FORGOTTEN, ATTEMPTS_FREE, LOCK_FIRST, LOCK_MAX),
        )
        return found

    async def succeed(self, person: UserId, step: Step, place: str) -> None:
        """Forget the attempts."""
        await self._run(
            "delete from user_attempt where operator = $1 and person = $2 and step = $3 and place = $4",
            *(person, step.value, place),
        )

    async def unlock(self, person: UserId) -> None:
        """Forget the attempts everywhere."""
        await self._run("delete from user_attempt where operator = $1 and person = $2", person)

    async def knows_place(self, person: UserId, address: str, since: datetime) -> bool:
        """Tell whether he has signed in from there since."""
        found: bool = await self._connection.fetchval(
            "select exists (select from user_place"
            "   where operator = $1 and person = $2 and address = $3 and good_at > $4)",
            *(self._operator, person, address, since),
        )
        return found

    async def keep_place(self, person: UserId, address: str, at: datetime) -> None:
        """Remember that he signed in from there."""
        await self._run(
            "insert into user_place (operator, person, address, good_at) values ($1, $2, $3, $4)"
            " on conflict (operator, person, address) do update set good_at = $4",
            *(person, address, at),
        )

    async def drop_factors(self, person: UserId) -> None:
        """Forget seeds, security keys and recovery codes."""
        await self.drop_totp(person)
        for table in ("user_security_key", "user_recovery_code"):
            await self._run(f"delete from {table} where operator = $1 and person = $2", person)  # noqa: S608  (our own words)

    async def end_openings(self, person: UserId) -> None:
        """End links and half-logins."""
        for table in ("user_link", "user_challenge"):
            await self._run(f"delete from {table} where operator = $1 and person = $2", person)  # noqa: S608  (our own words)

    async def forget(self, person: UserId) -> None:
        """Forget everything."""
        await self.drop_factors(person)
        await self.end_openings(person)
        for table in ("user_secret", "user_attempt", "user_place"):
            await self._run(f"delete from {table} where operator = $1 and person = $2", person)  # noqa: S608  (our own words)
