"""``tollwright einvoice``: check e-invoices against XSD and business rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import ATTENTION, DONE, Unreachable
from domain.refusal import LimitExceeded, Unreadable

if TYPE_CHECKING:
    from integrations.einvoice.findings import Finding

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def _einvoice() -> None:
    """Check e-invoices."""


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

    Knows Peppol BIS 3 and EHF, EHF reminders and payment requests, OIOUBL 2.1,
    Finvoice 3.0, and UBL and CII of EN 16931 such as XRechnung.
    Prints each failure with its rule, its place, its cause and what to do.

    Ends with 0 where every file may be sent (warnings are printed), and 1 where a file breaks a rule.
    """
    from api import settings
    from integrations.einvoice.causes import cause_of
    from integrations.einvoice.findings import FATAL
    from integrations.einvoice.rules import Checker, RulesAway

    directory = rules or settings.read().einvoice_rules
    if directory is not None and not directory.is_dir():
        raise Unreachable(f"{directory} is not a directory; --rules or TOLLWRIGHT_EINVOICE_RULES names the rule files'")
    broken = 0
    with Checker(directory) as checker:
        for name in files:
            try:
                kind, findings = checker.told(_read(name), rules_may_miss=allow_missing_rules)
            except (Unreadable, LimitExceeded) as no:
                raise type(no)(f"{name}: {no.message}") from None
            except RulesAway as away:
                raise Unreachable(str(away)) from None
            for finding in findings:
                row = {"file": name, "kind": kind.value, "rule": finding.rule, "severity": finding.severity}
                row |= {"place": finding.place, "text": finding.text, "cause": str(cause_of(finding))}
                print(json.dumps(row, ensure_ascii=False))
            broken += any(finding.severity == FATAL for finding in findings)
            print(f"{name}: {kind.value}: {_verdict(findings)}", file=sys.stderr)
    return ATTENTION if broken else DONE


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
