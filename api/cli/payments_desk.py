"""``tollwright payments waiting``, ``debits``, ``refunds``, ``take``: an operator's payments, and files for banks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.payments.debit import OrderFile
    from domain.payments.payment import Payment
    from domain.usecases.write_orders import Written

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
On = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which the bank is asked; today unless given.")
]
Older = Annotated[bool, typer.Option("--older", help="In the older of the format's two versions.")]


def waiting(operator: Operator = None) -> int:
    """Print payments that wait for somebody, and what each may be for.

    Ends with 1 where there are any.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.payments.payment import PaymentState
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.list_payments import list_payments
        from domain.usecases.work_payments import suggest_payment

        found = False
        for state in (PaymentState.UNALLOCATED, PaymentState.HELD):
            after, more = None, True
            while more:
                asked = PageRequest(first=PAGE_MAX, after=after)
                page = await list_payments(asked, actor=actor, begin=wiring.begin, state=state)
                for one in page.items:
                    guesses = await suggest_payment(one.id, actor=actor, begin=wiring.begin)
                    print(json.dumps(_told(one, guesses), ensure_ascii=False))
                    after, found = one.id, True
                more = page.more
        return ATTENTION if found else DONE

    return run_with(operator, work)


def debits(
    scheme: Annotated[str, typer.Argument(help="autogiro, avtalegiro, betalingsservice, sepa_core or sepa_b2b.")],
    on: On = None,
    older: Older = False,
    operator: Operator = None,
) -> int:
    """Order what is due of payers with a mandate, as a file.

    What is on its way is not ordered again. The file is had with payments take.
    """
    from domain.payments.orders import Scheme
    from domain.refusal import BadValue
    from domain.usecases.write_orders import WriteDebits, write_debits

    if scheme not in list(Scheme):
        raise BadValue("{value} is none of {choices}", value=scheme[:40], choices=", ".join(Scheme), field="scheme")
    cmd = WriteDebits(scheme=Scheme(scheme), on=on.date() if on else None, older=older)
    return _write(operator, write_debits, cmd)


def refunds(on: On = None, older: Older = False, operator: Operator = None) -> int:
    """Write all refunds that wait into a file.

    The file is had with payments take.
    """
    from domain.usecases.write_orders import WriteRefunds, write_refunds

    return _write(operator, write_refunds, WriteRefunds(on=on.date() if on else None, older=older))


def take(
    file: Annotated[int, typer.Argument(help="The file's id, as debits and refunds print it.", min=1)],
    out: Annotated[Path, typer.Option(help="The folder to write it into, under its own name.")],
    operator: Operator = None,
) -> int:
    """Take a file for the bank; who took it first, and when, is kept."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import OrderFileId
        from domain.usecases.write_orders import TakeOrderFile, take_order_file

        cmd = TakeOrderFile(file=OrderFileId(file))
        taken = await take_order_file(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        out.mkdir(parents=True, exist_ok=True)
        (out / taken.name).write_bytes(taken.content)
        print(json.dumps(_file(taken) | {"file": str(out / taken.name)}))
        return DONE

    return run_with(operator, work)


def _write(operator: str | None, use_case: Callable[..., Any], cmd: object) -> int:
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        done: Written = await use_case(cmd, wiring.write_payments, actor=actor, begin=wiring.begin, clock=wiring.clock)
        counts = {"debits": done.debits, "requests": done.requests, "refunds": done.refunds}
        print(json.dumps({"file": None if done.file is None else _file(done.file), **counts}))
        return DONE

    return run_with(operator, work)


def _file(one: OrderFile) -> dict[str, Any]:
    return {"id": one.id, "format": one.format, "number": one.number, "name": one.name, "orders": one.orders}


def _told(one: Payment, guesses: Any) -> dict[str, Any]:
    from domain.payments.amounts import major_of

    return {
        "id": one.id,
        "state": one.state.value,
        "reason": one.reason and one.reason.value,
        "booked_on": one.booked_on.isoformat(),
        "amount": f"{major_of(one.amount_minor, one.currency):f}",
        "currency": one.currency,
        "payer": one.record["payer"].get("name"),
        "text": list(one.record["text"]),
        "may_be_for": [
            {
                "invoice": guess.number,
                "open": f"{major_of(guess.open_minor, one.currency):f}",
                "score": guess.score,
                "because": guess.because.value,
            }
            for guess in guesses
        ],
    }


COMMANDS = (waiting, debits, refunds, take)
