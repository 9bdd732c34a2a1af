"""Sessions of people with their codes and refresh tokens, and API keys, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.api_key import ApiKey
from domain.access.session import AuthorizationCode, UserSession
from domain.ids import ApiKeyId, OperatorId, ResellerId, SessionId, UserId
from domain.ports.page import Page, PageRequest
from domain.ports.sign_ins import Shown
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.violations import KEY_MAX, beyond, refusing

_SESSION: Final = (
    "id, operator, reseller, user_id, sid, client_id, factor, scopes, address, created_at, renewed_at, ends_at,"
    " ended_at, ended_why"
)
_KEY: Final = (
    "id, operator, reseller, prefix, name, sha256, scopes, created_at, created_by, ends_at, revoked_at, last_used_at,"
    " replaces"
)


def session_of(row: Mapping[str, Any]) -> UserSession:
    """Make the session of a row."""
    same = (
        *("sid", "client_id", "factor", "address", "created_at", "renewed_at", "ends_at", "ended_at", "ended_why"),
        "reseller",
    )
    return UserSession(
        id=SessionId(row["id"]),
        operator=OperatorId(row["operator"]),
        user=UserId(row["user_id"]),
        scopes=tuple(row["scopes"]),
        **{name: row[name] for name in same},
    )


def key_of_row(row: Mapping[str, Any]) -> ApiKey:
    """Make the API key of a row; a scope that this release does not know gives nothing."""
    known = {action.value for action in Action}
    same = ("prefix", "name", "created_at", "created_by", "ends_at", "revoked_at", "last_used_at")
    return ApiKey(
        id=ApiKeyId(row["id"]),
        operator=OperatorId(row["operator"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        sha256=bytes(row["sha256"]),
        scopes=frozenset(Action(scope) for scope in row["scopes"] if scope in known),
        replaces=None if row["replaces"] is None else ApiKeyId(row["replaces"]),
        **{name: row[name] for name in same},
    )


class SignInStore:
    """Keeps ``domain.ports.sign_ins.SignIns``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, session: UserSession) -> UserSession:
        """Keep a new one."""
        row = await self._connection.fetchrow(
            "insert into user_session (operator, reseller, user_id, sid, client_id, factor, scopes, address,"  # noqa: S608  (our own words)
            " created_at, renewed_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            f" returning {_SESSION}",
            *(self._operator, session.reseller, session.user, session.sid, session.client_id, session.factor),
            *(list(session.scopes), session.address, session.created_at, session.renewed_at, session.ends_at),
        )
        return session_of(row)

    async def add_code(self, code: AuthorizationCode) -> None:
        """Keep a new code."""
        await self._connection.execute(
            "insert into authorization_code (sha256, operator, session, client_id, redirect_uri, challenge, nonce,"
            " expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(code.sha256, self._operator, code.session, code.client_id, code.redirect_uri, code.challenge),
            *(code.nonce, code.expires_at),
        )

    async def show_code(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's code, and return it with its session, locked; None where there is no such code."""
        # One statement decides: whoever comes second waits for the first one's row, and then finds it used.
        row = await self._connection.fetchrow(
            "update authorization_code set used_at = $3 where sha256 = $1 and client_id = $2 and operator = $4"
            " and used_at is null returning *",
            *(sha256, client_id, at, self._operator),
        )
        first = row is not None
        row = row or await self._connection.fetchrow(
            "select * from authorization_code where sha256 = $1 and client_id = $2 and operator = $3",
            *(sha256, client_id, self._operator),
        )
        if row is None:
            return None
        code = AuthorizationCode(
            sha256=sha256,
            session=SessionId(row["session"]),
            **{name: row[name] for name in ("client_id", "redirect_uri", "challenge", "nonce", "expires_at")},
        )
        return Shown(first, await self._locked("id = $2", row["session"]), code)

    async def add_refresh(self, session: SessionId, sha256: bytes, *, at: datetime) -> None:
        """Keep a new refresh token."""
        await self._connection.execute(
            "insert into refresh_token (sha256, operator, session, created_at) values ($1, $2, $3, $4)",
            *(sha256, self._operator, session, at),
        )

    async def show_refresh(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's refresh token, and return its session, locked; None where there is no such token."""
        used = await self._connection.fetchval(
            "update refresh_token t set used_at = $3 from user_session s where t.sha256 = $1 and t.used_at is null"
            " and t.operator = $4 and s.operator = t.operator and s.id = t.session and s.client_id = $2"
            " returning t.session",
            *(sha256, client_id, at, self._operator),
        )
        known = used or await self._connection.fetchval(
            "select t.session from refresh_token t join user_session s on s.operator = t.operator and s.id = t.session"
            " where t.sha256 = $1 and s.client_id = $2 and t.operator = $3",
            *(sha256, client_id, self._operator),
        )
        return Shown(used is not None, await self._locked("id = $2", known)) if known is not None else None

    async def _locked(self, where: str, value: object) -> UserSession:
        row = await self._connection.fetchrow(
            f"select {_SESSION} from user_session where operator = $1 and {where} for update",  # noqa: S608  (our own words)
            *(self._operator, value),
        )
        if row is None:
            raise NotFound("no such session", field="session")
        return session_of(row)

    async def renew(self, session: SessionId, *, at: datetime) -> None:
        """Record that a session was used."""
        await self._connection.execute(
            "update user_session set renewed_at = $3 where operator = $1 and id = $2", self._operator, session, at
        )

    async def claim(self, sid: str) -> UserSession:
        """Return one locked. Refuses with: NotFound."""
        return await self._locked("sid = $2", sid)

    async def claim_by_key(self, key: SessionId) -> UserSession:
        """Return one locked. Refuses with: NotFound."""
        if not 0 <= key <= KEY_MAX:
            raise NotFound("no such session", field="session")
        return await self._locked("id = $2", key)

    async def finish(self, session: SessionId, *, at: datetime, why: str) -> bool:
        """End one; tell whether it lived."""
        ended = await self._connection.fetchval(
            "update user_session set ended_at = $3, ended_why = $4 where operator = $1 and id = $2"
            " and ended_at is null and ends_at > $3 returning true",
            *(self._operator, session, at, why),
        )
        return bool(ended)

    async def end(self, user: UserId, *, at: datetime, why: str, except_sid: str | None = None) -> int:
        """End all of a person's that live, but one; return how many."""
        rows = await self._connection.fetch(
            "update user_session set ended_at = $3, ended_why = $4 where operator = $1 and user_id = $2"
            " and ended_at is null and ends_at > $3 and sid is distinct from $5 returning id",
            *(self._operator, user, at, why, except_sid),
        )
        return len(rows)

    async def forget_places(self, user: UserId) -> None:
        """Forget where a person signed in from."""
        await self._connection.execute(
            "update user_session set address = null where operator = $1 and user_id = $2", self._operator, user
        )

    async def page(self, request: PageRequest, *, user: UserId | None = None, living_at: datetime) -> Page[UserSession]:
        """List those that live, by key, of one person or of all."""
        rows = await self._connection.fetch(
            f"select {_SESSION} from user_session where operator = $1 and id > $2 and ended_at is null"  # noqa: S608  (our own words)
            " and ends_at > $3 and ($4::bigint is null or user_id = $4) order by id limit $5",
            *(self._operator, beyond(request.after), living_at, user, request.first + 1),
        )
        return Page.of([session_of(row) for row in rows], request)


class ApiKeyStore:
    """Keeps ``domain.ports.sign_ins.ApiKeys``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, key: ApiKey) -> ApiKey:
        """Keep a new one. Refuses with: NotFound (reseller)."""
        rules = {"api_key_operator_reseller_fkey": NotFound("no reseller {key}", key=key.reseller, field="reseller")}
        with refusing(rules):
            row = await self._connection.fetchrow(
                "insert into api_key (operator, reseller, prefix, name, sha256, scopes, created_at, created_by,"  # noqa: S608  (our own words)
                f" ends_at, replaces) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning {_KEY}",
                *(self._operator, key.reseller, key.prefix, key.name, key.sha256, sorted(key.scopes), key.created_at),
                *(key.created_by, key.ends_at, key.replaces),
            )
        return key_of_row(row)

    async def page(self, request: PageRequest) -> Page[ApiKey]:
        """List by key, those that have ended too."""
        rows = await self._connection.fetch(
            f"select {_KEY} from api_key where operator = $1 and id > $2 order by id limit $3",  # noqa: S608  (our own words)
            *(self._operator, beyond(request.after), request.first + 1),
        )
        return Page.of([key_of_row(row) for row in rows], request)

    async def claim(self, key: ApiKeyId) -> ApiKey:
        """Return one locked. Refuses with: NotFound."""
        if not 0 <= key <= KEY_MAX:
            raise NotFound("no API key {key}", key=key, field="key")
        row = await self._connection.fetchrow(
            f"select {_KEY} from api_key where operator = $1 and id = $2 for update",  # noqa: S608  (our own words)
            *(self._operator, key),
        )
        if row is None:
            raise NotFound("no API key {key}", key=key, field="key")
        return key_of_row(row)

    async def find(self, prefix: str) -> ApiKey:
        """Return one by its public beginning. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_KEY} from api_key where operator = $1 and prefix = $2",  # noqa: S608  (our own words)
            *(self._operator, prefix),
        )
        if row is None:
            raise NotFound("no API key {key}", key=prefix[:80], field="key")
        return key_of_row(row)

    async def keep(self, key: ApiKey) -> ApiKey:
        """Write a changed one."""
        await self._connection.execute(
            "update api_key set ends_at = $3, revoked_at = $4 where operator = $1 and id = $2",
            *(self._operator, key.id, key.ends_at, key.revoked_at),
        )
        return key
