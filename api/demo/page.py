"""The page a newcomer reads: what happened, and where to look. Every command on it runs as it stands."""

from __future__ import annotations

import os
import shlex
import sys
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.demo.documents import Sample
from api.demo.figures import Figures
from api.demo.keys import Keys
from api.settings import Settings

HEADING = "Try it, in another terminal in this directory:"


def show_figures(figures: Figures, seconds: float, import_seconds: float, console: Console) -> None:
    """Print the table of what happened."""
    table = Table(title="The main job", show_header=False, title_justify="left", min_width=60)
    table.add_column("what")
    table.add_column("amount", justify="right")
    table.add_column("note")
    levels, run = figures.levels, figures.run
    for what, count, note in (
        ("CDR files", figures.files, "from three switches"),
        ("lines", figures.records, "= events + duplicates + rejects + left out"),
        ("events", figures.events, "= rated + unrated"),
        ("duplicates", figures.duplicates, "delivered twice; counted, never billed"),
        ("rejects", figures.rejects, "kept with reason and line"),
        ("left out", figures.ignored, "local legs and service codes"),
        ("unrated", figures.unrated, "no owner or no destination; kept in suspense"),
        ("rated", figures.rated, ""),
    ):
        table.add_row(what, f"{count:,}".replace(",", " "), note)
    table.add_section()
    for what, amount, note in (
        ("retail", levels.retail, "what end users pay for calls"),
        ("wholesale", levels.wholesale, "what resellers pay for theirs"),
        ("cost", levels.cost, "what suppliers take"),
        ("margin", levels.margin, "own retail and resellers' wholesale, less cost"),
    ):
        table.add_row(what, money(amount, levels.currency), note)
    table.add_section()
    table.add_row(
        "invoices", str(run.invoices), f"{run.payers} payers, {run.parked} parked, {run.nothing} without lines"
    )
    table.add_row("total", money(run.total, levels.currency), f"of which VAT {money(run.vat, levels.currency)}")
    table.add_section()
    table.add_row("seconds", f"{seconds:.1f}", f"of which the import {import_seconds:.1f}")
    table.add_row(
        "events/s", f"{figures.events / import_seconds:,.0f}".replace(",", " "), "from file to committed rows"
    )
    console.print(table)


def show_places(settings: Settings, keys: Keys, sample: Sample, place: Path, console: Console) -> None:
    """Print where to look and what to try."""

    def say(text: str = "") -> None:
        # As it is: a command that was wrapped or coloured would not run.
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    address = settings.address
    say()
    say(f"GraphQL   {address}/graphql")
    say(f"SOAP      {address}/soap        WSDL {address}/soap?wsdl")
    say(f"REST      {address}/rest/v1     OpenAPI {address}/rest/v1/openapi.json")
    say(f"health    {address}/healthz     metrics {address}/metrics")
    say()
    say(f"operator  client {keys.operator.client_id}   secret {keys.operator.secret}")
    say(f"reseller  client {keys.reseller.client_id}   secret {keys.reseller.secret}")
    say(f"          kept in {place / 'credentials.json'}, readable by you alone")
    say()
    say(f"invoice   {sample.number} to {sample.payer}, {money(sample.total, sample.currency)}")
    say(f"          {sample.pdf}")
    say(f"          {sample.xml}")
    say()
    say(HEADING)
    for command in commands(settings, keys, sample):
        say()
        say(command)
    say()


def commands(settings: Settings, keys: Keys, sample: Sample) -> list[str]:
    """Return the commands to try, in their order; the first gets the token for the others."""
    address, python = settings.address, beside(Path(sys.executable).name)
    header = '-H "Authorization: Bearer $TOKEN"'
    read = "import json, sys; print(json.load(sys.stdin)['access_token'])"
    credentials = f"{keys.operator.client_id}:{keys.operator.secret}"
    query = "{ suspenseCounts { reason count } invoices(first: 2) { edges { node { number total payer { name } } } } }"
    token = (
        f"export TOKEN=$(curl -fsS -u {credentials} -d grant_type=client_credentials {address}/oauth/token"
        f' | {python} -c "{read}")'
    )
    return [
        token,
        f"curl -fsS {header} '{address}/rest/v1/files?first=2'",
        f"curl -fsS {header} -o invoice.pdf {address}/rest/v1/invoices/{sample.id}.pdf",
        f"curl -fsS {header} -H 'Content-Type: application/json' {address}/graphql -d '{{\"query\": \"{query}\"}}'",
        f"""{python} - <<'END'
import os
from requests import Session
from zeep import Client, Transport
session = Session()
session.headers["Authorization"] = "Bearer " + os.environ["TOKEN"]
client = Client("{address}/soap?wsdl", transport=Transport(session=session))
print(client.service.GetCustomer(customerNumber="10001"))
END""",
        f"{beside('tollwright')} explain {sample.event}",
    ]


def beside(name: str) -> str:
    """Return how to call a command of this Python's environment from the working directory."""
    here = Path(sys.executable).with_name(name)
    inside = here.is_relative_to(Path.cwd())
    return shlex.quote(os.path.relpath(here) if inside else str(here))


def money(amount: Decimal, currency: str) -> str:
    """Write an amount for people.

    >>> money(Decimal("-1234567.895"), "SEK")
    '-1 234 567.90 SEK'
    """
    return f"{amount:,.2f} {currency}".replace(",", " ")
