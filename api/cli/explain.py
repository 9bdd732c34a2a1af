"""``tollwright explain``: why an event costs what it costs, or why it is not rated.

An event that is stored, one of a file with a tariff document, or a call that nobody has made yet.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import ATTENTION, DONE, WRONG
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.rating.explanation import Explanation
    from domain.telling.language import Language
    from domain.usecases.price_call import PriceCall

app = typer.Typer(add_completion=False, rich_markup_mode=None)
FORMATS: Final = ("text", "json")
STORED: Final = "A stored event: its id, source/ref/leg/start/offset, or the id of a record in suspense."
CALL: Final = "A call instead: the subscription's id. See also --number, --at, --used."


@app.command()
def explain(  # noqa: PLR0917  (typer declares options so)
    stored: Annotated[str | None, typer.Argument(metavar="EVENT", help=STORED)] = None,
    tariff: Annotated[Path | None, typer.Option(help="A tariff document; no database.")] = None,
    event: Annotated[Path | None, typer.Option(help="A file with one event as JSON; - is standard input.")] = None,
    subscription: Annotated[int | None, typer.Option(help=CALL)] = None,
    number: Annotated[str | None, typer.Option(help="Whom the subscription calls, E.164.")] = None,
    at: Annotated[str | None, typer.Option(help="When, as 2026-03-02T08:00:00+01:00; now if left out.")] = None,
    used: Annotated[int, typer.Option(help="Seconds, messages or kB.")] = 60,
    mode: Annotated[str, typer.Option(help="voice, sms, mms, data or another.")] = "voice",
    direction: Annotated[str, typer.Option(help="out, or in.")] = "out",
    trunk: Annotated[str | None, typer.Option(help="The way out.")] = None,
    visited: Annotated[str | None, typer.Option(help="The country where the subscription roams.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="By the catalogue as it was believed then.")] = None,
    language: Annotated[str | None, typer.Option(help="en, sv, nb, da, fi or de; else LANG's.")] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Say why an event costs what it costs, or why it is not rated."""
    if form not in FORMATS:
        raise BadValue(f"--format {form}: must be text or json")
    said = chosen(language)
    document = tariff is not None or event is not None
    if (stored is not None) + document + (subscription is not None) != 1:
        raise BadValue("give EVENT alone, or --tariff T --event E, or --subscription S --number N")
    believed = None if as_of is None else moment(as_of, "--as-of")
    if stored is not None:
        return of_database(stored, form, operator, said, believed)
    if subscription is not None:
        from domain.ids import SubscriptionId
        from domain.usecases.price_call import PriceCall

        if number is None:
            raise BadValue("give --number with --subscription")
        call = PriceCall(
            subscription=SubscriptionId(subscription),
            number=number,
            at=None if at is None else moment(at, "--at"),
            used=used,
            mode=mode,
            direction=direction,
            trunk=trunk,
            visited=visited,
            believed_at=believed,
        )
        return of_call(call, form, operator, said)
    if tariff is None or event is None:
        raise BadValue("give EVENT, or --tariff T --event E")
    if believed is not None:
        raise BadValue("--as-of asks the database; a tariff document knows one state only")
    return of_document(tariff, event, form, said)


def chosen(code: str | None) -> Language:
    """Return the language that is asked for, else that of the environment, else English. Refuses with: BadValue."""
    from domain.telling.language import accepted, language

    if code is not None:
        return language(code, field="--language")
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return accepted(told.split(".")[0].replace("_", "-"))


def moment(text: str, option: str) -> datetime:
    """Read a day (its end, UTC) or an instant with an offset. Refuses with: BadValue."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(f"{text!r} is not a time such as 2026-03-02T08:00:00+01:00", field=option) from None
    if found.tzinfo is None and len(text) > len("2026-03-02"):
        raise BadValue(f"{text!r} has no offset; write for example 2026-03-02T08:00:00+01:00", field=option)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def show(explained: Explanation, form: str, language: Language) -> int:
    """Print an explanation; 1 where something of it is not rated."""
    from api.catalogues.explaining import in_words
    from domain.telling.data import data
    from domain.telling.text import text

    explained = in_words(explained, language)
    if form == "text":
        print(text(explained, language))
    else:
        print(json.dumps(data(explained, language), ensure_ascii=False))
    rated = explained.status == "rated" and all(level.status == "rated" for level in explained.levels)
    return DONE if rated else ATTENTION


def of_database(stored: str, form: str, operator: str | None, language: Language, believed: datetime | None) -> int:
    """Explain a stored event, by the catalogue and the lists that it was rated with."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _stored(stored, form, wiring, actor, language, believed))


async def _stored(  # noqa: PLR0917  (what the command line was given)
    name: str, form: str, wiring: Wiring, actor: Actor, language: Language, believed: datetime | None
) -> int:
    from domain.usecases.explain_held import explain_held
    from domain.usecases.explain_usage import explain_usage
    from domain.usecases.find_event import find_event

    plain, begin, raters = _plain(name), wiring.begin, wiring.raters
    ref = None
    if not (plain.isascii() and plain.isdigit()):
        try:
            ref = await find_event(plain, actor=actor, begin=begin)
        except NotFound:
            if "/" not in plain:
                raise
    if ref is None:
        held = await explain_held(plain, actor=actor, begin=begin, raters=raters, believed_at=believed)
        return show(held, form, language)
    said = await explain_usage(ref, actor=actor, begin=begin, raters=raters, believed_at=believed)
    show(said.explanation, form, language)
    return DONE


def _plain(name: str) -> str:
    """Return the id in a global one, as GraphQL's lists of usage give them; anything else as it is."""
    from api.graphql.ids import read_id

    try:
        kind, key = read_id(name)
    except NotFound:
        return name
    return key if kind in {"Usage", "Suspended"} else name


def of_call(call: PriceCall, form: str, operator: str | None, language: Language) -> int:
    """Explain what a call would cost."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.explain_call import explain_call

        explained = await explain_call(call, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
        return show(explained, form, language)

    return run_with(operator, work)


def of_document(tariff: Path, event: Path, form: str, language: Language) -> int:
    """Explain one event of a file with a tariff document."""
    from api.cli.rate import read_bytes, read_document
    from domain.catalogue.document import parse_json
    from domain.rating.book import compile_book
    from domain.rating.explain import Explainer
    from domain.rating.explanation import Explanation
    from domain.rating.requests import Directory, asked, read_event

    document = read_document(tariff)
    if document is None:
        return WRONG
    request = read_event(parse_json(read_bytes(event)))
    if request.bad is not None:
        return show(Explanation(event=asked(request), status="bad_event", detail=request.bad), form, language)
    directory = Directory.of(compile_book(document))
    return show(Explainer(document).explain(asked(request, directory, tuple(document.parties))), form, language)
