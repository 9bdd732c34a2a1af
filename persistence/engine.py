"""The database: one asyncpg pool, and the one transaction everything runs in.

    database = await Database.open(url)
    async with database.transaction(operator=7) as unit:
        await unit.connection.fetch("select …")      # asyncpg
        await Customer.select()                      # Piccolo, in the same transaction
    await database.close()

Leaving commits, an exception rolls back, and the connection goes back to the pool whatever happens (Piccolo's own
transaction keeps it when COMMIT fails). A transaction inside a transaction is an error, and so is one used by another
task than its own. Piccolo's tables need no database of their own: their engine is ``DB`` below, which runs a query in
the transaction that is open and refuses one outside.

Row-level security: role ``APP`` sees the rows of ``operator`` and, of those, of ``resellers``: ``None`` is every
reseller of the operator ('*' in ``app.resellers``), an empty sequence is none. Without an operator it sees nothing.
``INGEST`` bypasses row security, since COPY cannot run under it; ``OWNER`` is the login role itself, for migrations
and operations.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self

import asyncpg
from piccolo.engine.base import validate_savepoint_name
from piccolo.engine.postgres import PostgresEngine, Savepoint
from piccolo.querystring import QueryString

from persistence.away import DatabaseAway

__all__ = ["APP", "DB", "INGEST", "OWNER", "Database", "DatabaseAway", "Role", "Transaction"]

Role = Literal["tollwright_app", "tollwright_ingest", "owner"]
APP: Final = "tollwright_app"
INGEST: Final = "tollwright_ingest"
OWNER: Final = "owner"

CONNECTIONS_MAX: Final = 10
ACQUIRE_SECONDS: Final = 30.0
STATEMENT_SECONDS: Final = 60.0
LOCK_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 900.0  # a bulk load may compute between two statements, but not for ever

# They go with BEGIN, in one round trip, until the end of the transaction. Only words of ours and numbers come in.
_SETTINGS: Final = (
    " set local role {role}; set local app.operator = '{operator}'; set local app.resellers = '{resellers}';"
    " set local statement_timeout = {statement_timeout}"
)

_current: contextvars.ContextVar[Transaction | None] = contextvars.ContextVar("tollwright_transaction", default=None)


class _TablesEngine(PostgresEngine):
    """What Piccolo's tables talk to: the transaction that is open in this task. It has no connection of its own."""

    def __init__(self) -> None:
        # The constructor of Piccolo's engine connects to a server at import time; this one has none to connect to.
        self.engine_type = "postgres"
        self.min_version_number = 15
        self.log_queries = self.log_responses = False
        self.query_id = 0
        self.config = {}
        self.extensions = ()
        self.extra_nodes = {}
        self.pool = None
        self.current_transaction = _current  # type: ignore[assignment]  # ours has what Piccolo reads of one

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        """Run a Piccolo query in the open transaction."""
        del in_pool
        query, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await _mine().connection.fetch(query, *arguments)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Run Piccolo's DDL in the open transaction."""
        del in_pool
        return await _mine().connection.fetch(ddl)

    async def batch(self, *arguments: Any, **options: Any) -> Any:
        """Piccolo's batch leaves the transaction and swallows exceptions."""
        del arguments, options
        raise RuntimeError("no Piccolo batch(): use connection.cursor() of the transaction")

    def transaction(self, allow_nested: bool = True) -> Any:
        """Join the open transaction; migrations ask for it. Everything else asks the Database."""
        del allow_nested
        return _Joined()


class _Joined:
    """The open transaction, entered once more by Piccolo; leaving it decides nothing."""

    async def __aenter__(self) -> Transaction:
        return _mine()

    async def __aexit__(self, *_: object) -> None:
        return None


def _mine() -> Transaction:
    transaction = _current.get()
    if transaction is None:
        raise RuntimeError("a Piccolo query needs an open transaction: async with database.transaction(...)")
    if transaction.task is not asyncio.current_task():
        raise RuntimeError("a transaction belongs to the task that opened it; this query runs in another")
    return transaction


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # the package has no types
    """A connection of the pool: it begins with a transaction's settings, and needs no cleaning when it comes back."""

    __slots__ = ("_opening",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._opening = ""

    def opens_with(self, settings: str) -> None:
        """Send these settings with the BEGIN that comes next."""
        self._opening = settings

    async def execute(self, query: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109  (asyncpg's)
        """Run a command; the one that begins a transaction takes the settings along."""
        if query.startswith("BEGIN"):
            query, self._opening = query + self._opening, ""
        return str(await super().execute(query, *arguments, timeout=timeout))

    def get_reset_query(self) -> str:
        """Return nothing: all that is set here ends with its transaction, which saves a round trip for each.

        Locks of a session, LISTEN and temporary tables are for connections apart (``Database.apart``).
        """
        return ""


DB: Final = _TablesEngine()
os.environ["PICCOLO_CONF"] = "persistence.engine"  # where Piccolo looks for ``DB``


class Transaction:
    """One transaction on one connection of the pool, entered once."""

    __slots__ = ("_block", "_database", "_opening", "_savepoints", "_token", "_work", "connection", "task")

    connection: Any  # asyncpg's connection; the package has no types

    def __init__(self, database: Database, opening: str, block: dict[str, Any]) -> None:
        self._database = database
        self._opening = opening
        self._block = block
        self._savepoints = 0
        self.task: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Self:
        open_one = _current.get()
        self.task = asyncio.current_task()
        if open_one is not None and open_one.task is self.task:
            raise RuntimeError(
                "a transaction is already open in this task; pass its unit on instead of opening another"
            )
        self.connection = await self._database.acquire()
        try:
            self._work = self.connection.transaction(**self._block)
            self.connection.opens_with(self._opening)
            await self._work.start()
        except BaseException as error:
            if not isinstance(error, Exception):
                self.connection.terminate()  # cancelled while it began: nobody knows whether it did
            await self._database.release(self.connection)
            _raise_plain(error)
            raise
        self._token = _current.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        try:
            if error is None:
                await self._work.commit()
            elif not self.connection.is_closed():
                await self._work.rollback()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as trouble:
            if error is None:
                _raise_plain(trouble)
                raise
            # The first error is the one to tell; the connection is thrown away by the pool.
        except asyncio.CancelledError:
            self.connection.terminate()  # cancelled while it ended: nobody knows whether it did
            raise
        finally:
            await self._database.release(self.connection)
        if error is not None:
            _raise_plain(error)

    async def savepoint(self, name: str | None = None) -> Savepoint:
        """Set a savepoint; ``rollback_to()`` undoes what followed, ``release()`` keeps it."""
        self._savepoints += 1
        name = name or f"savepoint_{self._savepoints}"
        validate_savepoint_name(name)
        await self.connection.execute(f'savepoint "{name}"')
        return Savepoint(name=name, transaction=self)  # type: ignore[arg-type]  # it reads only .connection


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, pool: Any) -> None:
        self.url = url
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, connections_max: int = CONNECTIONS_MAX, connections_kept: int = 1) -> Self:
        """Connect. Raises ``DatabaseAway`` with a sentence that says what to do.

        ``connections_kept`` are opened at once and stay open: opening one costs a caller 20 ms and more.
        """
        settings = {
            "application_name": "tollwright",
            "TimeZone": "UTC",
            "lock_timeout": _milliseconds(LOCK_SECONDS),
            "idle_in_transaction_session_timeout": _milliseconds(IDLE_SECONDS),
        }
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min(connections_kept, connections_max),
                max_size=connections_max,
                server_settings=settings,
                timeout=ACQUIRE_SECONDS,
                connection_class=_Connection,
            )
        except Exception as error:
            _raise_plain(error, connecting=True)
            raise
        return cls(url, pool)

    async def warm(self) -> None:
        """Open the connections that are kept, where they are not; those that a migration has made old are renewed."""
        opened = await asyncio.gather(*(self.acquire() for _ in range(self._pool.get_min_size())))
        for connection in opened:
            await self.release(connection)

    async def close(self) -> None:
        """Give the connections back; waits for the ones in use, ten seconds at most."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def transaction(
        self,
        *,
        role: Role = APP,
        operator: int | None = None,
        resellers: Sequence[int] | None = None,
        groups: Collection[str] = (),
        isolation: Literal["read_committed", "repeatable_read", "serializable"] | None = None,
        readonly: bool = False,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> Transaction:
        """One transaction; see the module's words for role, operator and resellers. 0 seconds is without limit.

        ``groups``: customers that are in one of them are all it sees; none: every customer.
        """
        scope = "*" if resellers is None else ",".join(str(int(one)) for one in resellers)
        opening = _SETTINGS.format(
            role="none" if role == OWNER else role,
            operator="" if operator is None else int(operator),
            resellers=scope if operator is not None else "",
            statement_timeout=_milliseconds(statement_seconds),
        )
        if groups:  # in hexadecimal, since they are words of others
            opening += f"; set local app.groups = '{json.dumps(sorted(groups)).encode().hex()}'"
        return Transaction(self, opening, {"isolation": isolation, "readonly": readonly})

    async def apart(self, name: str, settings: Mapping[str, str] | None = None) -> Any:
        """Return a connection of its own, outside the pool, for what lasts: locks of a session, LISTEN. Close it."""
        told = {"application_name": name, "TimeZone": "UTC", **(settings or {})}
        try:
            return await asyncpg.connect(self.url, server_settings=told, timeout=ACQUIRE_SECONDS)
        except Exception as error:
            _raise_plain(error, connecting=True)
            raise

    async def acquire(self) -> Any:
        """Take a connection from the pool, without a transaction; give it back by ``release``."""
        try:
            return await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        except Exception as error:
            _raise_plain(error, connecting=True)
            raise

    async def release(self, connection: Any) -> None:
        """Give a connection back."""
        await self._pool.release(connection)

    async def forget_plans(self) -> None:
        """Replace the pool's connections after a change of the schema, whose statements they may have cached."""
        await self._pool.expire_connections()


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _raise_plain(error: BaseException, *, connecting: bool = False) -> None:
    """Raise ``DatabaseAway`` for trouble with the database itself; do nothing for any other error."""
    if sentence := _sentence(error, connecting=connecting):
        raise DatabaseAway(sentence) from error


def _sentence(error: BaseException, *, connecting: bool) -> str | None:
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return f"the database refuses the login ({_line(error)}): correct user and password in DATABASE_URL"
        case asyncpg.InvalidCatalogNameError():
            return f"{_line(error)}: create it, or correct the name in DATABASE_URL"
        case asyncpg.DiskFullError():
            return "the database's disk is full: make room and start again; nothing half done was kept"
        case asyncpg.TooManyConnectionsError():
            return "the database has no connection left: close other programs or raise its max_connections"
        case asyncpg.InsufficientResourcesError():
            return f"the database is out of resources ({_line(error)})"
        case asyncpg.CannotConnectNowError() | asyncpg.AdminShutdownError() | asyncpg.CrashShutdownError():
            return f"the database is starting or stopping ({_line(error)}): try again in a moment"
        case asyncpg.PostgresConnectionError():
            return f"the connection to the database broke ({_line(error)}): try again"
        case asyncpg.ClientConfigurationError() | ValueError() if connecting:
            return f"DATABASE_URL cannot be read ({_line(error)}): postgresql://user:password@host:5432/name"
        case asyncpg.InterfaceError() if connecting or "closed" in str(error):
            return f"the connection to the database is gone ({_line(error)}): try again"
        case TimeoutError() if connecting:
            return f"the database did not answer within {ACQUIRE_SECONDS:.0f} seconds: is it overloaded?"
        case OSError() if connecting:
            return f"the database cannot be reached ({_line(error)}): is it running, and is DATABASE_URL right?"
    return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
