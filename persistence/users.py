"""People who sign in, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.user import User, UserState
from domain.ids import LevelId, OperatorId, ResellerId, UserId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Refusal, Stale
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

_COLUMNS: Final = (
    "operator, id, reseller, email, name, language, level, state, second_factor, created_at, signed_in_at, erased_at,"
    " version"
)


def user_of(row: Mapping[str, Any]) -> User:
    """Make the user of a row."""
    same = ("email", "name", "language", "second_factor", "created_at", "signed_in_at", "erased_at", "version")
    return User(
        id=UserId(row["id"]),
        operator=OperatorId(row["operator"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        level=LevelId(row["level"]),
        state=UserState(row["state"]),
        **{name: row[name] for name in same},
    )


def rules(user: User) -> dict[str, Refusal]:
    """Return what each constraint refuses with."""
    return {
        "app_user_email": Conflict("somebody signs in with {email} already", email=user.email, field="email"),
        "app_user_operator_level_fkey": NotFound("no such user level", field="level"),
        "app_user_operator_reseller_fkey": NotFound("no such reseller, or not yours", field="reseller"),
    }


class UserStore:
    """Keeps ``domain.ports.users.Users`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, user: User) -> User:
        """Keep a new one. Refuses with: Conflict (e-mail address), NotFound (level, reseller)."""
        with refusing(rules(user)):
            row = await self._connection.fetchrow(
                "insert into app_user (operator, reseller, email, email_key, name, language, level, state, created_at)"  # noqa: S608  (our own words)
                f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {_COLUMNS}",
                *(self._operator, user.reseller, user.email, user.email_key, user.name, user.language, user.level),
                *(user.state.value, user.created_at),
            )
        return user_of(row)

    async def _one(self, key: UserId, lock: str = "") -> User:
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                f"select {_COLUMNS} from app_user where operator = $1 and id = $2{lock}",  # noqa: S608  (our own words)
                *(self._operator, key),
            )
        if row is None:
            raise NotFound("no such user", field="user")
        return user_of(row)

    async def get(self, key: UserId) -> User:
        """Return one. Refuses with: NotFound."""
        return await self._one(key)

    async def claim(self, key: UserId) -> User:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        return await self._one(key, " for update")

    async def by_email(self, email_key: str) -> User | None:
        """Return who signs in as this."""
        row = await self._connection.fetchrow(
            f"select {_COLUMNS} from app_user where operator = $1 and email_key = $2 and erased_at is null",  # noqa: S608  (our own words)
            *(self._operator, email_key),
        )
        return None if row is None else user_of(row)

    async def keep(self, user: User) -> User:
        """Write a changed one; return it with its next version. Refuses with: Stale, Conflict, NotFound."""
        with refusing(rules(user)):
            row = await self._connection.fetchrow(
                "update app_user set reseller = $4, email = $5, email_key = $6, name = $7, language = $8, level = $9,"  # noqa: S608  (our own words)
                " state = $10, second_factor = $11, erased_at = $12, version = version + 1"
                f" where operator = $1 and id = $2 and version = $3 returning {_COLUMNS}",
                *(self._operator, user.id, user.version, user.reseller, user.email, user.email_key, user.name),
                *(user.language, user.level, user.state.value, user.second_factor, user.erased_at),
            )
        if row is None:
            raise Stale("the user was changed since he was read", field="version")
        return user_of(row)

    async def signed_in(self, key: UserId, at: datetime) -> None:
        """Write when he signed in last; his version stays."""
        await self._connection.execute(
            "update app_user set signed_in_at = $3 where operator = $1 and id = $2", self._operator, key, at
        )

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        state: UserState | None = None,
        level: LevelId | None = None,
        reseller: ResellerId | None = None,
    ) -> Page[User]:
        """List by key; ``text`` is a part of the name or the address."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from app_user where operator = $1 and id > $2 and erased_at is null"  # noqa: S608  (our own words)
            " and ($3::text is null or strpos(lower(name), lower($3)) > 0 or strpos(email_key, lower($3)) > 0)"
            " and ($4::text is null or state = $4) and ($5::bigint is null or level = $5)"
            " and ($6::bigint is null or reseller = $6) order by id limit $7",
            *(self._operator, beyond(request.after), text, state and state.value),
            *(None if level is None else beyond(level), None if reseller is None else beyond(reseller)),
            request.first + 1,
        )
        return Page.of([user_of(row) for row in rows], request)

    async def by_ids(self, keys: Collection[UserId]) -> Sequence[User]:
        """Return those of the keys that there are."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from app_user where operator = $1 and id = any ($2) order by id",  # noqa: S608  (our own words)
            *(self._operator, possible(list(keys))),
        )
        return [user_of(row) for row in rows]
