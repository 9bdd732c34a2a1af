"""``tollwright catalogue``: drafts of prices, and the catalogue as a tariff document."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.catalogue.draft import Draft
    from domain.catalogue.reading import Fault
    from domain.catalogue.sheet_preview import PriceLine
    from domain.usecases.read_rate_sheet import ReadRateSheet

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Name = Annotated[str, typer.Argument(help="The draft's name.")]
From = Annotated[str | None, typer.Option("--from", help="From when, such as 2026-03-01T00:00:00+01:00; else now.")]


@app.callback()
def main() -> None:
    """Draft, validate, publish and export prices."""


@app.command()
def export(
    as_of: Annotated[str | None, typer.Option(help="As it was believed then; else now.")] = None,
    operator: Operator = None,
) -> int:
    """Print the catalogue as a tariff document."""
    from api.cli.reach import run_with

    at = moment(as_of, "as-of")

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.export_tariff import export_tariff

        document = await export_tariff(at, actor=actor, begin=wiring.begin)
        json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return DONE

    return run_with(operator, work)


@app.command()
def draft(
    name: Name,
    document: Annotated[Path | None, typer.Argument(help="Changes as JSON; - is standard input.")] = None,
    withdraw: Annotated[list[str] | None, typer.Option(help="A place such as price_lists.gold; repeatable.")] = None,
    operator: Operator = None,
) -> int:
    """Lay changes over a draft.

    Over the open one of this name, which is made where there is none.
    """
    from api.cli.reach import run_with
    from domain.catalogue.document import parse_json

    if document is None and not withdraw:
        raise BadValue(
            "give changes to lay over {name}: a JSON file, - for standard input, or --withdraw PLACE", name=name
        )
    changes: Any = {} if document is None else parse_json(content(document))

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.put_draft import PutDraft, put_draft

        cmd = PutDraft(name=name, changes=changes, withdraw=tuple(withdraw or ()))
        tell(await put_draft(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def drafts(operator: Operator = None) -> int:
    """Print the drafts as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.list_drafts import list_drafts

        after = None
        while True:
            page = await list_drafts(PageRequest(PAGE_MAX, after), actor=actor, begin=wiring.begin)
            for one in page.items:
                tell(one)
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def show(name: Name, operator: Operator = None) -> int:
    """Print the changes of the last draft of this name.

    They are what ``catalogue draft`` takes.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.list_drafts import get_draft

        one = await get_draft(name, actor=actor, begin=wiring.begin)
        print(json.dumps(one.changes, ensure_ascii=False, indent=1))
        return DONE

    return run_with(operator, work)


@app.command()
def validate(name: Name, valid_from: From = None, operator: Operator = None) -> int:
    """Print each fault and warning of a draft.

    Each with its place; exits 2 with faults, 1 with warnings.
    """
    from api.cli.reach import run_with

    at = moment(valid_from, "from")

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.check_draft import check_draft

        done = await check_draft(name, at, actor=actor, begin=wiring.begin, clock=wiring.clock)
        _tell_found(done.faults, "fault")
        _tell_found(done.warnings, "warning")
        if done.faults:
            return WRONG
        return ATTENTION if done.warnings else DONE

    return run_with(operator, work)


@app.command()
def publish(
    name: Name,
    valid_from: From = None,
    accept_warnings: Annotated[bool, typer.Option(help="Publish what only looks wrong.")] = False,
    operator: Operator = None,
) -> int:
    """Publish a draft, as a whole or not at all."""
    from api.cli.reach import run_with

    at = moment(valid_from, "from")

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.catalogue.document import BadTariff
        from domain.usecases.publish_draft import PublishDraft, publish_draft

        cmd = PublishDraft(name=name, valid_from=at, accept_warnings=accept_warnings)
        try:
            done = await publish_draft(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        except BadTariff as wrong:
            for fault in wrong.faults:
                complain(str(fault))
            return WRONG
        tell(done.draft, began=done.began, ended=done.ended)
        return DONE

    return run_with(operator, work)


@app.command()
def sheet(
    file: Annotated[Path, typer.Argument(help="A supplier's rate sheet, CSV or XLSX; - is standard input.")],
    *,
    price_list: Annotated[str, typer.Option("--list", help="The price list it is for.")],
    draft: Annotated[str | None, typer.Option(help="Put what it changes into this draft; else only look.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="ROLE=HEADING, such as price=Tariff; repeatable.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="The heading of a column that says nothing here, * for all; repeatable.")
    ] = None,
    worksheet: Annotated[str | None, typer.Option(help="Of a workbook; else the first.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of a new list.")] = None,
    full: Annotated[bool, typer.Option("--full/--partial", help="Whether prices that are left out end.")] = False,
    dates: Annotated[str | None, typer.Option(help="dmy or mdy, where the sheet does not tell.")] = None,
    zone: Annotated[str | None, typer.Option(help="Of its dates; else the operator's.")] = None,
    per: Annotated[int, typer.Option(help="The units a price stands for.", min=1)] = 60,
    mode: Annotated[str, typer.Option(help="The mode it prices.")] = "voice",
    suspicious: Annotated[str, typer.Option(help="A change over so many per cent, up or down, is.")] = "20",
    valid_from: From = None,
    operator: Operator = None,
) -> int:
    """Print what a rate sheet would change, line by line.

    Exits 1 where a change is suspicious, 2 with faults.
    """
    from api.cli.reach import run_with
    from domain.catalogue.rate_sheet import Layout
    from domain.money import parse
    from domain.usecases.read_rate_sheet import ReadRateSheet

    columns = {role: heading for role, _, heading in (one.partition("=") for one in column or ())}
    cmd = ReadRateSheet(
        content=content(file),
        price_list=price_list,
        draft=draft,
        sheet=worksheet,
        layout=Layout(columns=columns, ignored=tuple(ignore or ()), dates=dates, zone=zone, per=per),
        currency=currency,
        mode=mode,
        full=full,
        valid_from=moment(valid_from, "from"),
        suspicious=parse(suspicious),
    )
    return run_with(operator, lambda wiring, actor: _read_sheet(cmd, wiring, actor))


async def _read_sheet(cmd: ReadRateSheet, wiring: Wiring, actor: Actor) -> int:
    from domain.usecases.read_rate_sheet import read_rate_sheet

    done = await read_rate_sheet(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, sheets=wiring.sheets)
    for fault in done.faults:
        complain(f"row {fault.row}: {fault.message}" if fault.row else fault.message)
    if done.ignored:
        complain(f"columns that were not read: {', '.join(done.ignored)}")
    if done.faults:
        return WRONG
    for line in done.lines:
        print(json.dumps(_line(line), ensure_ascii=False))
    head = {
        "rows": done.rows,
        "disabled": done.disabled,
        "columns": done.columns,
        "ignored": list(done.ignored),
        **done.counts,
    }
    print(json.dumps(head | {"draft": done.draft and done.draft.name}, ensure_ascii=False), file=sys.stderr)
    return ATTENTION if done.counts["suspicious"] else DONE


def _line(line: PriceLine) -> dict[str, Any]:
    from domain.catalogue.tariff import PriceList, Tariff
    from domain.catalogue.writing import write_tariff

    told: dict[str, Any] = {"kind": line.kind, "destination": line.destination, "row": line.row}
    for name, rate in (("old", line.old), ("new", line.new)):
        if rate is None:
            told[name] = None
        else:
            document = write_tariff(Tariff(price_lists={"list": PriceList(name="list", rates=(rate,))}))
            told[name] = document["price_lists"]["list"]["rates"][0]
    told["percent"] = None if line.percent is None else str(line.percent)
    return told | {"suspicious": line.suspicious, "note": line.note}


@app.command()
def discard(name: Name, operator: Operator = None) -> int:
    """Give an open draft up; what it said stays to be read."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.discard_draft import discard_draft

        tell(await discard_draft(name, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


def tell(one: Draft, **more: object) -> None:
    """Print a draft's line."""
    line = {
        "draft": one.name,
        "id": one.id,
        "state": one.state.value,
        "version": one.version,
        "changed_at": one.changed_at.isoformat(),
        "valid_from": one.valid_from and one.valid_from.isoformat(),
        "revision": one.revision,
    }
    print(json.dumps(line | more, ensure_ascii=False))


def _tell_found(found: Sequence[Fault], kind: str) -> None:
    for one in found:
        print(json.dumps({"kind": kind, "path": one.path, "message": one.message}, ensure_ascii=False))


def content(path: Path) -> bytes:
    """Return a file's bytes, or standard input's for ``-``. Refuses with: NotFound."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as wrong:
        raise NotFound(f"{path}: {wrong.strerror}") from None


def moment(text: str | None, option: str) -> datetime | None:
    """Read an option that is an instant. Refuses with: BadValue."""
    from domain.catalogue.reading import instant

    try:
        return None if text is None else instant(text)
    except ValueError as wrong:
        raise BadValue(str(wrong), field=f"--{option}") from None
