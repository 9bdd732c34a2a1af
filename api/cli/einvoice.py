"""``tollwright einvoice``: check e-invoices, send documents, and follow what becomes of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, WRONG, Unreachable, complain
from domain.refusal import LimitExceeded, Unreadable

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.delivery.dispatch import Dispatch
    from domain.usecases.put_channel import PutChannel
    from integrations.einvoice.findings import Finding

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def _einvoice() -> None:
    """Check e-invoices; send documents and follow them."""


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="e-invoices of any kind below; - is stdin")],
    rules: Annotated[
        Path | None, typer.Option(help="directory of the publishers' rule files (TOLLWRIGHT_EINVOICE_RULES)")
    ] = None,
    allow_missing_rules: Annotated[
        bool, typer.Option(help="check without publishers' rules that are not configured")
    ] = False,
) -> int:
    """Check by schema, EN 16931, the publishers' rules and our own.

    Knows Peppol BIS 3 and self-billing, EHF with its reminders, payment requests
    and forward billing, OIOUBL 2.1, Finvoice 3.0, and UBL and CII of EN 16931
    such as XRechnung; in a Standard Business Document or without.
    Prints each failure with its rule, its place, its cause and what to do.

    Ends with 0 where every file may be sent (warnings are printed), 1 where a file breaks a rule,
    and 2 where one cannot be read; the others are checked then, too.
    """
    from api import settings
    from domain.ports.documents import RulesAway
    from integrations.einvoice.causes import cause_of
    from integrations.einvoice.findings import FATAL
    from integrations.einvoice.rules import Checker

    directory = rules or settings.read().einvoice_rules
    if directory is not None and not directory.is_dir():
        raise Unreachable(f"{directory} is not a directory; --rules or TOLLWRIGHT_EINVOICE_RULES names the rule files'")
    broken = unread = 0
    with Checker(directory) as checker:
        for name in files:
            try:
                kind, findings = checker.told(_read(name), rules_may_miss=allow_missing_rules)
            except (Unreadable, LimitExceeded) as no:
                complain(f"{name}: {no.message}")  # the others are checked all the same
                unread += 1
                continue
            except RulesAway as away:
                raise Unreachable(str(away)) from None
            for finding in findings:
                row = {"file": name, "kind": kind.value, "rule": finding.rule, "severity": finding.severity}
                row |= {"place": finding.place, "text": finding.text, "cause": str(cause_of(finding))}
                print(json.dumps(row, ensure_ascii=False))
            broken += any(finding.severity == FATAL for finding in findings)
            print(f"{name}: {kind.value}: {_verdict(findings)}", file=sys.stderr)
    return WRONG if unread else ATTENTION if broken else DONE


@app.command()
def send(
    run: Annotated[int | None, typer.Option(help="Only documents of this bill run.", min=1)] = None,
    invoice: Annotated[list[str] | None, typer.Option(help="Only this document, by number (repeatable).")] = None,
    again: Annotated[bool, typer.Option(help="Also what was sent before; with --invoice.")] = False,
    now: Annotated[bool, typer.Option(help="Send here and now; otherwise workers do.")] = False,
    operator: Operator = None,
) -> int:
    """Queue documents to be sent, each once: e-invoices, mail, print.

    Prints each as a JSON line. With --now ends with 1 where one did not leave.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.cli.printing import numbered
        from api.documents_out import carriers
        from domain.delivery.dispatch import DispatchState, Way
        from domain.ids import BillRunId
        from domain.refusal import WrongState
        from domain.usecases.send_document import send_document
        from domain.usecases.send_documents import QueueDocuments, dispatches_by_key, queue_documents

        keys = await numbered(invoice or (), wiring, actor)
        # What does not leave here and now is tried by workers; they keep off it meanwhile.
        meanwhile = wiring.clock.now() + timedelta(hours=1) if now else None
        cmd = QueueDocuments(run=BillRunId(run) if run else None, invoices=keys, again=again, workers_at=meanwhile)
        code = DONE
        given: Any = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
        for one in await queue_documents(cmd, **given):
            if now and one.way is not Way.PRINT:
                try:
                    one = await send_document(one.id, carriers(wiring), **given)  # noqa: PLW2901  (as it is now)
                except WrongState:
                    one = (await dispatches_by_key([one.id], actor=actor, begin=wiring.begin))[one.id]  # noqa: PLW2901  (as it stands now)
                if one.state in {DispatchState.QUEUED, DispatchState.PARKED, DispatchState.FAILED}:
                    code = ATTENTION
            print(json.dumps(_told(one), ensure_ascii=False))
        return code

    return run_with(operator, work)


@app.command()
def status(
    state: Annotated[str | None, typer.Option(help="queued, parked, sent, accepted, ...; left out: all.")] = None,
    operator: Operator = None,
) -> int:
    """Print what became of documents as JSON Lines.

    Ends with 1 where one is parked, rejected or given up.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.delivery.dispatch import DispatchState
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.refusal import BadValue
        from domain.usecases.send_documents import list_dispatches

        if state is not None and state not in list(DispatchState):
            raise BadValue(f"one of {', '.join(DispatchState)}, not {state!r}", field="--state")
        code, after = DONE, None
        while True:
            page = await list_dispatches(
                PageRequest(PAGE_MAX, after),
                state=DispatchState(state) if state else None,
                actor=actor,
                begin=wiring.begin,
            )
            for one in page.items:
                if one.state in {DispatchState.PARKED, DispatchState.REJECTED, DispatchState.FAILED}:
                    code = ATTENTION
                print(json.dumps(_told(one), ensure_ascii=False))
            if not page.more:
                return code
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def receipt(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV, XML or JSON Lines; - is stdin")],
    operator: Operator = None,
) -> int:
    """Read what others say became of documents, by number or reference.

    Takes UBL's ApplicationResponse too. Ends with 1 where nobody knows one, or
    one was rejected.
    """
    from api.cli.printing import receipt as read

    return read(files, None, operator)


@app.command()
def channel(
    file: Annotated[Path | None, typer.Argument(help="a channel in TOML; left out: list them")] = None,
    operator: Operator = None,
) -> int:
    """Set up a way for documents, or list them.

    What stands in the file: docs/documents.md.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.put_channel import list_channels, put_channel

        if file is not None:
            await put_channel(
                _channel(file),
                actor=actor,
                begin=wiring.begin,
                http=wiring.http,
                transports=wiring.transports,
                vault=wiring.vault,
            )
        for one in await list_channels(actor=actor, begin=wiring.begin):
            row: dict[str, object] = {
                "code": one.code,
                "way": one.way.value,
                "forms": [form.value for form in one.forms],
            }
            row |= {"address": one.settings.address, "active": one.active, "version": one.version}
            print(json.dumps(row | {"secrets": sorted(one.credentials)}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _channel(file: Path) -> PutChannel:
    """Read a channel: settings by name, headers, envelope, states and credentials as tables. Refuses: Unreadable."""
    import tomllib

    from domain.delivery.channel import Settings
    from domain.delivery.dispatch import Form, Way
    from domain.usecases.put_channel import PutChannel
    from persistence.documents import loaded

    try:
        told = tomllib.loads(file.read_text("utf-8"))
        own = {name: told.pop(name) for name in ("code", "way", "forms") if name in told}
        secrets = {str(name): str(value) for name, value in told.pop("credentials", {}).items()}
        active, version = bool(told.pop("active", True)), int(told.pop("version", 0))
        for name in ("headers", "envelope", "states"):
            if name in told:
                told[name] = [[key, str(value)] for key, value in told[name].items()]
        return PutChannel(
            code=str(own["code"]),
            way=Way(own["way"]),
            forms=tuple(Form(one) for one in own["forms"]),
            settings=loaded(Settings, told),
            credentials=secrets,
            active=active,
            version=version,
        )
    except OSError as fault:
        raise Unreadable(f"{file}: cannot be read: {fault.strerror or fault}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Unreadable(f"{file}: this is no channel: {fault}") from None


def _told(one: Dispatch) -> dict[str, object]:
    return {
        "id": one.id,
        "number": one.number,
        "form": one.form.value,
        "way": one.way.value,
        "state": one.state.value,
        "reference": one.reference,
        "attempts": one.attempts,
        "rule": one.rule,
        "fault": one.fault,
    }


def _verdict(findings: Sequence[Finding]) -> str:
    """Say in a word what the findings come to; without the rules nothing is broken, but it is not known."""
    from integrations.einvoice.findings import FATAL

    fatal = [finding.rule for finding in findings if finding.severity == FATAL]
    if fatal == ["rules_missing"]:
        return "no rule broken, but some were not there to check (--allow-missing-rules takes that)"
    return f"{len(fatal)} {'rule' if len(fatal) == 1 else 'rules'} broken" if fatal else "good"


def _read(name: str) -> bytes:
    from integrations.einvoice.reading import SIZE_MAX

    try:
        if name == "-":
            return sys.stdin.buffer.read(SIZE_MAX + 1)
        with Path(name).open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as fault:
        raise Unreadable(f"cannot be read: {fault.strerror or fault}") from None
