"""How long a request may take: what goes on and on is given up, undone, and answered with what to do.

The time runs from when the whole body is there until the answer begins, so that neither uploads nor streams are cut.
What works through everything an operator has (a bill run) may take as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse, Response

from api.catalogues import sentence
from api.rest.refusals import problem
from api.soap.faults import envelope
from domain.access.doing import BEGUN
from domain.refusal import LimitExceeded

CODE: Final = "timeout"
RETRY_SECONDS: Final = 30
# Use cases whose work grows with all there is; whoever calls them over an API waits for it.
LASTING: Final = frozenset(
    {
        *("run_bills", "bill_customer", "abandon_bill_run", "reconcile_run", "make_print_batch", "run_collection"),
        *("rerate", "redo_duplicates", "withdraw_and_redo", "withdraw_file", "release_suspense", "poll_feed"),
        *("simulate_tariff", "import_tariff", "import_rates", "read_rate_sheet", "check_draft", "publish_draft"),
        *("import_bulk", "export_bulk", "export_tariff", "import_cdr", "import_file", "import_payments"),
        *("make_statement", "preview_commissions", "take_basis", "sync_customers", "decide_approval", "check_ledger"),
    }
)


class TooLong(Exception):  # noqa: N818  (an answer to the caller, not an error of ours)
    """The request took longer than ``seconds``, and was given up."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"more than {seconds} s")
        self.seconds = seconds


class Timer:
    """The time of one request; it stands until it is started, and once it was stopped it is never started again."""

    def __init__(self, timeout: asyncio.Timeout, seconds: int) -> None:
        self._timeout = timeout
        self._seconds = seconds
        self._stopped = seconds == 0

    def start(self) -> None:
        """Let the time run, from now."""
        if not self._stopped and self._timeout.when() is None:
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)

    def stop(self) -> None:
        """Let the rest take as long as it takes; where the time is over already, it is."""
        if not self._stopped and not self._timeout.expired():
            self._timeout.reschedule(None)
        self._stopped = True

    def end(self) -> None:
        """Count no more: the request is over, or was given up."""
        self._stopped = True

    def begun(self, operation: str) -> None:
        """Take note of a use case that begins."""
        if operation in LASTING:
            self.stop()


@asynccontextmanager
async def timed(seconds: int) -> AsyncIterator[Timer]:
    """Give up what takes longer, once the timer is started; 0: never. Raises TooLong."""
    try:
        async with asyncio.timeout(None) as timeout:
            timer = Timer(timeout, seconds)
            token = BEGUN.set(timer.begun)
            try:
                yield timer
            finally:
                timer.end()
                BEGUN.reset(token)
    except TimeoutError:
        if timeout.expired():
            raise TooLong(seconds) from None
        raise


def answer(no: TooLong, route: str, media: str) -> Response:
    """Return the answer in the form that the route speaks: problem details, a SOAP fault, an error of GraphQL."""
    said = sentence(
        LimitExceeded(
            "this took longer than {seconds} seconds and was given up, and what was running is undone: ask for less at"
            " a time, or send the same again under its idempotency key in five minutes",
            seconds=no.seconds,
        )
    )
    status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)}
    if route == "/soap":
        version = "1.2" if media.startswith("application/soap+xml") else "1.1"
        # SOAP 1.2 has words of its own for whose fault it is, and no place behind them.
        code = f"Server.{CODE}" if version == "1.1" else "Server"
        media = "application/soap+xml" if version == "1.2" else "text/xml"
        return Response(envelope(version, code, said), status, headers=headers, media_type=f"{media}; charset=utf-8")
    if route == "/graphql":
        errors = [{"message": said, "extensions": {"code": CODE.upper()}}]
        return JSONResponse({"errors": errors}, status, headers=headers)
    return problem(status, CODE, said, headers=headers)
