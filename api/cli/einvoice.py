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
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="UBL invoices or credit notes; - is stdin")],
    rules: Annotated[
        Path | None, typer.Option(help="directory of the publishers' rule files (TOLLWRIGHT_EINVOICE_RULES)")
    ] = None,
    allow_missing_rules: Annotated[
        bool, typer.Option(help="check without Peppol's rules where none are configured")
    ] = False,
) -> int:
    """Check by XSD, EN 16931, Peppol's rules and our own.

    Prints each failure with its rule and place.

    Ends with 0 where every file may be sent (warnings are printed), and 1 where a file breaks a rule.
    """
    from api import settings
    from integrations.einvoice.findings import FATAL
    from integrations.einvoice.rules import Checker, RulesAway

    directory = rules or settings.read().einvoice_rules
    if directory is not None and not directory.is_dir():
        raise Unreachable(f"{directory} is not a directory; --rules or TOLLWRIGHT_EINVOICE_RULES names the rule files'")
    broken = 0
    with Checker(directory) as checker:
        for name in files:
            try:
                findings = checker.check(_read(name), rules_may_miss=allow_missing_rules)
            except (Unreadable, LimitExceeded) as no:
                raise type(no)(f"{name}: {no.message}") from None
            except RulesAway as away:
                raise Unreachable(str(away)) from None
            for finding in findings:
                row = {"file": name, "rule": finding.rule, "severity": finding.severity}
                print(json.dumps(row | {"place": finding.place, "text": finding.text}, ensure_ascii=False))
            broken += any(finding.severity == FATAL for finding in findings)
            print(f"{name}: {_verdict(findings)}", file=sys.stderr)
    return ATTENTION if broken else DONE


def _verdict(findings: Sequence[Finding]) -> str:
    """Say in a word what the findings come to; without Peppol's rules nothing is broken, but it is not known."""
    from integrations.einvoice.findings import FATAL

    fatal = [finding.rule for finding in findings if finding.severity == FATAL]
    if fatal == ["rules_missing"]:
        return "no rule broken, but Peppol's were not there to check (--allow-missing-rules takes that)"
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
