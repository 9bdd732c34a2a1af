"""``tollwright user``: people who sign in, on the operator's own machine, where there is no portal or nobody to ask.

A password is typed at a prompt, never given as an argument, where every process of the machine could read it.
"""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from domain.access.user import UserState, key_of
from domain.refusal import BadValue, Conflict, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.access.user import User
    from domain.ids import LevelId, ResellerId
    from domain.usecases.invite_user import InviteUser

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
EmailArgument = Annotated[str, typer.Argument(help="The address that he signs in with.")]
PASSWORD_LINE_MAX = 4000


@app.callback()
def main() -> None:
    """Invite people, list them, shut them out and help who has lost a second factor."""


@app.command()
def invite(  # noqa: PLR0917  (the command line's arguments)
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="His name.")],
    level: Annotated[str, typer.Option(help="The level's name, or of a built-in one its key, as administrator.")],
    language: Annotated[str | None, typer.Option(help="sv, en, nb, da, fi or de; otherwise the operator's.")] = None,
    reseller: Annotated[str | None, typer.Option(help="The code of the reseller whose he is.")] = None,
    show_link: Annotated[
        bool, typer.Option("--show-link", help="Print the link too, to hand it over where there is no mail yet.")
    ] = False,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for his password here, as for the first administrator.")
    ] = False,
    operator: OperatorOption = None,
) -> int:
    """Invite somebody; he gets a mail with a link that works once.

    Who was invited and has not come yet is invited again, as he is.
    """
    from api.cli.reach import run_with

    typed = _typed() if password else None

    async def work(wiring: Wiring, actor: Actor) -> int:
        return await _invite(wiring, actor, (email, name, level, language, reseller), show_link, typed)

    return run_with(operator, work)


@app.command(name="list")
def list_all(operator: OperatorOption = None) -> int:
    """Print the users as JSON Lines."""
    from api.cli.reach import run_with

    return run_with(operator, _list)


@app.command()
def disable(email: EmailArgument, operator: OperatorOption = None) -> int:
    """Shut somebody out: his sessions end within seconds."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.change_user import disable_user

        user = await _found(wiring, actor, email)
        done = await disable_user(user.id, user.version, actor=actor, begin=wiring.begin, clock=wiring.clock)
        return await _print(wiring, actor, done)

    return run_with(operator, work)


@app.command()
def enable(email: EmailArgument, operator: OperatorOption = None) -> int:
    """Let somebody in again."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.change_user import enable_user

        user = await _found(wiring, actor, email)
        return await _print(wiring, actor, await enable_user(user.id, user.version, actor=actor, begin=wiring.begin))

    return run_with(operator, work)


@app.command(name="reset-factor")
def reset_factor(email: EmailArgument, operator: OperatorOption = None) -> int:
    """Take lost second factors from somebody.

    He enrols a new one when he signs in.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.change_user import reset_second_factor

        user = await _found(wiring, actor, email)
        done = await reset_second_factor(user.id, user.version, actor=actor, begin=wiring.begin, clock=wiring.clock)
        return await _print(wiring, actor, done)

    return run_with(operator, work)


async def _invite(
    wiring: Wiring,
    actor: Actor,
    who: tuple[str, str, str, str | None, str | None],
    show_link: bool,
    password: str | None,
) -> int:
    import secrets

    from api.mailing import post_of
    from domain.usecases.choose_password import put_first_password
    from domain.usecases.invite_user import InviteUser, invite_user
    from domain.usecases.mail_user import make_link

    email, name, level, language, reseller = who
    cmd = InviteUser(
        email=email,
        name=name,
        level=await _level(wiring, actor, level),
        language=language,
        reseller=await _reseller(wiring, actor, reseller),
        idempotency_key=f"cli-{secrets.token_hex(8)}",
    )
    # A mail would hold another link, and end the one that is shown.
    mailed = not show_link and password is None
    try:
        user = await invite_user(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, mailed=mailed)
    except Conflict:
        user = await _again(wiring, actor, cmd, mailed=mailed)
    link = None
    if password is not None:
        user = await put_first_password(
            user.id, password, machine=actor, begin=wiring.begin, clock=wiring.clock, passwords=wiring.passwords
        )
    elif show_link:
        link = await make_link(user.id, machine=actor, begin=wiring.begin, clock=wiring.clock, post=post_of(wiring))
        complain("the link works once, and no mail goes out: hand it over")
    elif wiring.settings.smtp_host is None:
        complain("no mail server is set (TOLLWRIGHT_SMTP_HOST): the invitation waits; --show-link prints one")
    return await _print(wiring, actor, user, **({"link": link} if link else {}))


async def _again(wiring: Wiring, actor: Actor, cmd: InviteUser, *, mailed: bool) -> User:
    """Invite once more who has not come yet, as when the password typed before was none. Refuses with: Conflict."""
    from domain.usecases.invite_user import invite_again

    user = await _found(wiring, actor, cmd.email)
    if user.state is not UserState.INVITED or (user.level, user.reseller) != (cmd.level, cmd.reseller):
        raise Conflict(f"somebody signs in with {user.email} already: tollwright user list", field="email")
    complain(f"{user.email} was invited before, and has not come yet: invited again")
    return await invite_again(user.id, actor=actor, begin=wiring.begin, mailed=mailed)


async def _list(wiring: Wiring, actor: Actor) -> int:
    from domain.ports.page import PageRequest
    from domain.usecases.list_users import list_users

    after = None
    while True:
        page = await list_users(PageRequest(200, after), actor=actor, begin=wiring.begin)
        for user in page.items:
            await _print(wiring, actor, user)
        if not page.more:
            return DONE
        after = page.items[-1].id


async def _found(wiring: Wiring, actor: Actor, email: str) -> User:
    from domain.ports.page import PageRequest
    from domain.usecases.list_users import FindUsers, list_users

    page = await list_users(PageRequest(1000), FindUsers(text=email.strip()), actor=actor, begin=wiring.begin)
    for user in page.items:
        if user.email_key == key_of(email.strip()):
            return user
    raise NotFound(f"nobody signs in with {email!r}", field="email")


async def _level(wiring: Wiring, actor: Actor, name: str) -> LevelId:
    async with wiring.begin(actor) as unit:
        levels = await unit.levels.all()
    for one in levels:
        if name in {one.built_in, one.name}:
            return one.id
    there = ", ".join(sorted(one.built_in or one.name for one in levels))
    raise NotFound(f"no level {name!r}; there are {there}", field="--level")


async def _reseller(wiring: Wiring, actor: Actor, code: str | None) -> ResellerId | None:
    from domain.usecases.list_resellers import list_resellers

    if code is None:
        return None
    for one in await list_resellers(actor=actor, begin=wiring.begin):
        if one.code == code:
            return one.id
    raise NotFound(f"no reseller {code!r}", field="--reseller")


async def _print(wiring: Wiring, actor: Actor, user: User, **more: Any) -> int:
    async with wiring.begin(actor) as unit:
        level = (await unit.levels.many([user.level])).get(user.level)
    told = {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "level": None if level is None else level.built_in or level.name,
        "reseller": user.reseller,
        "state": user.state.value,
        "second_factor": user.second_factor,
        "signed_in_at": None if user.signed_in_at is None else user.signed_in_at.isoformat(),
    }
    print(json.dumps(told | more, ensure_ascii=False))
    return DONE


def _typed() -> str:
    """Return a password that is typed twice at the terminal, or comes as a line of standard input."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline(PASSWORD_LINE_MAX)
        return line.removesuffix("\n").removesuffix("\r")
    first = getpass.getpass("his password: ")
    if getpass.getpass("once more: ") != first:
        raise BadValue("the two are not the same", field="--password")
    return first
