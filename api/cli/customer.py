"""``tollwright customer``: what the law lets a person ask for."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE, complain

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The customer's number.")]
Of = Annotated[str | None, typer.Option("--operator", help="The operator's code, where there are several.")]


@app.callback()
def customer() -> None:
    """Write out everything that is kept of a customer, and erase a person."""


@app.command()
def export(
    number: Number,
    output: Annotated[Path, typer.Option("--output", "-o", help="The ZIP to write; - is standard output.")],
    operator: Of = None,
) -> int:
    """Write all that is kept of a customer to a ZIP of JSON files.

    The reading is left in the audit trail.
    """
    from api.cli.reach import run_with
    from api.persons import person_file
    from domain.usecases.get_customer import get_customer

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_customer(number, actor=actor, begin=wiring.begin)
        with await person_file(found.id, wiring=wiring, actor=actor) as file:
            if str(output) == "-":
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with output.open("wb") as out:
                    shutil.copyfileobj(file, out)
        return DONE

    return run_with(operator, work)


@app.command()
def erase(
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="It is meant; it cannot be undone.")] = False,
    operator: Of = None,
) -> int:
    """Anonymise a person in place and print what stays by law, as JSON.

    It is refused while contracts run, usage is not invoiced or a debt is open.
    """
    from api.cli import WRONG
    from api.cli.reach import run_with
    from domain.customers.everything import shown
    from domain.usecases.erase_person import ErasePerson, erase_person
    from domain.usecases.get_customer import get_customer

    if not yes:
        complain("it cannot be undone: say --yes")
        return WRONG

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_customer(number, actor=actor, begin=wiring.begin)
        cmd = ErasePerson(customer=found.id, version=found.version)
        done = await erase_person(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps({"changed": shown(done.changed), "kept": shown(done.kept)}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)
