"""Setting feeds up: what is refused, what becomes of secrets, and what a trial tells."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from api.feed_fields import command, shown
from domain.feeds.feed import After, Completeness
from domain.feeds.run import RunState
from domain.feeds.sightings import Seen, Verdict
from domain.ports.transports import TransportFault
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.list_feeds import get_feed, list_feeds, remove_feed
from domain.usecases.put_feed import revealed
from domain.usecases.try_feed import FeedTried, try_feed
from persistence.vault import SealedVault, read_keys
from tests.feeds.conftest import Switch
from tests.intake.world import calls
from tests.transports.servers import PASSWORD, sftp_server

SECRET = "s3cret-that-nobody-shows"


async def tried(switch: Switch, name: str = "pbx") -> FeedTried:
    wiring = switch.wiring
    return await try_feed(
        name,
        actor=switch.world.actor,
        begin=wiring.begin,
        clock=switch.clock,
        formats=wiring.formats,
        transports=wiring.transports,
        vault=wiring.vault,
    )


async def test_a_feed_is_kept_and_changed_at_the_version_that_was_read(switch: Switch) -> None:
    first = await switch.feed(rules={"pattern": "*.csv"})
    assert (first.version, first.rules.pattern) == (1, "*.csv")
    for version in (0, 2, 7):
        with pytest.raises(Stale):
            await switch.feed(version=version)
    second = await switch.feed(version=1, active=False)
    assert (second.id, second.version, second.active) == (first.id, 2, False)
    now = (await list_feeds(actor=switch.world.actor, begin=switch.wiring.begin))[0]
    assert now.standing.next_at is None
    with pytest.raises(Stale):
        await remove_feed("pbx", 1, actor=switch.world.actor, begin=switch.wiring.begin)
    await remove_feed("pbx", 2, actor=switch.world.actor, begin=switch.wiring.begin)
    with pytest.raises(NotFound):
        await get_feed("pbx", actor=switch.world.actor, begin=switch.wiring.begin)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "../x"}, "name"),
        ({"name": ""}, "name"),
        ({"address": "folder:///etc"}, "address"),
        ({"address": "sftp://cdr@10.0.0.1/"}, "address"),
        ({"address": "sftp://cdr:secret@host.example/"}, "address"),
        ({"schedule": "every day"}, "schedule"),
        ({"schedule": "* * * * * *"}, "schedule"),
        ({"schedule": "61 * * * *"}, "schedule"),
        ({"schedule": "0 0 31 2 *"}, "schedule"),
        ({"credentials": {"password": "x"}}, "credentials.password"),
        ({"rules": {"pattern": "a/b"}}, "pattern"),
        ({"rules": {"done_folder": "../done"}}, "doneFolder"),
        ({"rules": {"refused_folder": "done"}}, "refusedFolder"),
        ({"rules": {"stable_seconds": -1}}, "stableSeconds"),
        ({"rules": {"grows": True}}, "after"),
        ({"rules": {"grows": True, "after": After.LEAVE, "complete": Completeness.END_MARKER}}, "complete"),
        ({"rules": {"sequence": "cdr.csv"}}, "sequence"),
        ({"rules": {"marker": ""}}, "marker"),
        ({"rules": {"silent_after_minutes": 0}}, "silentAfterMinutes"),
    ],
)
async def test_what_is_refused(switch: Switch, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadValue) as no:
        await switch.feed(**({"name": "pbx"} | fields))
    assert no.value.field == field


async def test_another_operators_folder_is_not_reached(switch: Switch) -> None:
    for strange in ("999999", "", "{operator}"):
        with pytest.raises(BadValue) as no:
            await switch.feed(address=f"folder://{switch.folder.parent.parent / strange}")
        assert no.value.field == "address"


async def test_a_source_that_is_not_there_is_refused(switch: Switch) -> None:
    with pytest.raises(NotFound):
        await switch.feed(source="no-such-profile")


def sftp(switch: Switch, **fields: Any) -> dict[str, Any]:
    return {"address": "sftp://cdr@127.0.0.1:2222/", "credentials": {"password": SECRET}, **fields}


async def test_a_secret_is_sealed_kept_and_never_shown(switch: Switch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    feed = await switch.feed(**sftp(switch))
    assert SECRET not in repr(feed)
    assert SECRET.encode() not in (feed.credentials["password"].sealed or b"")
    now = await get_feed("pbx", actor=switch.world.actor, begin=switch.wiring.begin)
    assert shown(now)["credentials"] == {"password": "kept"}
    assert SECRET not in json.dumps(shown(now))
    kept = await switch.feed(version=1, **sftp(switch, credentials={}))
    assert revealed(kept, switch.wiring.vault) == {"password": SECRET}
    run = await switch.poll()
    assert run.state is RunState.FAILED
    assert SECRET not in (run.fault or "")
    assert SECRET not in caplog.text
    emptied = await switch.feed(version=2, **sftp(switch, credentials={"password": ""}))
    assert emptied.credentials == {}


async def test_a_kept_secret_is_not_sent_elsewhere(switch: Switch) -> None:
    """Who may change a feed but never knew its secret cannot have it sent to a host of his own."""
    await switch.feed(**sftp(switch))
    for address in ("sftp://cdr@127.0.0.2:2222/", "sftp://cdr@127.0.0.1:2223/", "sftp://other@127.0.0.1:2222/"):
        with pytest.raises(BadValue) as no:
            await switch.feed(version=1, address=address)
        assert no.value.field == "credentials.password"
    moved = await switch.feed(version=1, address="sftp://cdr@127.0.0.2/", credentials={"password": "new"})
    assert revealed(moved, switch.wiring.vault) == {"password": "new"}


async def test_a_sealed_secret_opens_for_its_own_feed_alone(switch: Switch) -> None:
    feed = await switch.feed(**sftp(switch))
    sealed = feed.credentials["password"].sealed or b""
    vault = switch.wiring.vault
    assert vault.open(sealed, about=feed.about("password")) == SECRET
    for about in (feed.about("passphrase"), feed.about("password").replace(str(feed.operator), "999", 1)):
        with pytest.raises(TransportFault) as fault:
            vault.open(sealed, about=about)
        assert fault.value.lasting
    for broken in (b"", sealed[:-1], sealed[:5], b"\x03" + sealed[1:]):
        with pytest.raises(TransportFault):
            vault.open(broken, about=feed.about("password"))


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def test_the_master_key_changes_without_losing_anything(tmp_path: Path) -> None:
    old = SealedVault(keys=read_keys(key(1)))
    sealed = old.seal(SECRET, about="x")
    both = SealedVault(keys=read_keys(f"{key(2)},{key(1)}"))
    assert both.open(sealed, about="x") == SECRET
    new = SealedVault(keys=read_keys(key(2)))
    assert new.open(both.seal(SECRET, about="x"), about="x") == SECRET
    with pytest.raises(TransportFault):
        new.open(sealed, about="x")
    assert old.seal(SECRET, about="x") != sealed
    for wrong in ("", "short", base64.b64encode(b"x" * 31).decode()):
        with pytest.raises(BadValue):
            read_keys(wrong)


def test_the_installations_own_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    sealed = SealedVault(key_file=path).seal(SECRET, about="x")
    assert SealedVault(key_file=path).open(sealed, about="x") == SECRET
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_reference_leads_only_where_it_may(tmp_path: Path) -> None:
    for operator in ("1", "2", "11"):
        (tmp_path / operator).mkdir()
        (tmp_path / operator / "sftp").write_text(f"{SECRET} of {operator}\n")
    (tmp_path / "1" / "out").symlink_to("/etc/passwd")
    environment = {"FEED_SECRET_1_A": "a", "FEED_SECRET_11_A": "b", "FEED_SECRET_A": "c", "DATABASE_URL": "d"}
    vault = SealedVault(folder=tmp_path, environment=environment)
    assert vault.refer("env:FEED_SECRET_1_A", operator=1) == "a"
    assert vault.refer("env:FEED_SECRET_11_A", operator=11) == "b"
    for operator in (1, 2, 11):
        assert vault.refer("file:sftp", operator=operator) == f"{SECRET} of {operator}"
    strange = ("env:DATABASE_URL", "env:FEED_SECRET_A", "env:FEED_SECRET_11_A", "env:FEED_SECRET_2_A", "env:")
    for reference in (*strange, "file:../2/sftp", "file:/etc/passwd", "file:.hidden", "file:2/sftp"):
        with pytest.raises(BadValue):
            vault.check_reference(reference, operator=1)
        with pytest.raises(TransportFault):
            vault.refer(reference, operator=1)
    for reference in ("env:FEED_SECRET_1_B", "file:absent", "file:out"):
        vault.check_reference(reference, operator=1)
        with pytest.raises(TransportFault):
            vault.refer(reference, operator=1)
    with pytest.raises(BadValue):
        SealedVault().check_reference("file:sftp", operator=1)


async def test_a_reference_to_anothers_secret_is_not_kept(switch: Switch) -> None:
    own = switch.world.actor.operator
    kept = await switch.feed(**sftp(switch, credentials={"password": f"env:FEED_SECRET_{own}_SBC"}))
    assert kept.credentials["password"].reference == f"env:FEED_SECRET_{own}_SBC"
    for reference in (f"env:FEED_SECRET_{own + 1}_SBC", "env:PATH", "file:sbc"):
        with pytest.raises(BadValue):
            await switch.feed(version=1, **sftp(switch, credentials={"password": reference}))


async def test_a_trial_says_what_it_sees_and_changes_nothing(switch: Switch) -> None:
    await switch.feed(rules={"stable_seconds": 60, "pattern": "*.csv"})
    switch.lay("a.csv", calls(2))
    switch.lay("b.txt", b"x")
    answer = await tried(switch)
    assert (answer.reached, answer.found, answer.wanted) == (True, 2, 1)
    assert [(one.name, one.verdict, one.seen) for one in answer.files] == [("a.csv", Verdict.WAIT, Seen.WAITING)]
    assert await switch.sighting("a.csv") is None
    assert switch.there() == {"a.csv", "b.txt"}


async def test_a_trial_shows_the_host_key_that_is_to_be_pinned(switch: Switch, tmp_path: Path) -> None:
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    there = tmp_path / "there"
    there.mkdir()
    (there / "a.csv").write_bytes(calls(7))
    async with sftp_server(there, [host_key]) as port:
        fields: dict[str, Any] = {"address": f"sftp://cdr@127.0.0.1:{port}/", "credentials": {"password": PASSWORD}}
        await switch.feed(**fields)
        answer = await tried(switch)
        assert not answer.reached
        assert host_key.get_fingerprint() in (answer.fault or "")
        await switch.feed(version=1, host_keys=(host_key.get_fingerprint(),), **fields)
        answer = await tried(switch)
        assert (answer.reached, [one.verdict for one in answer.files]) == (True, [Verdict.TAKE])
        run = await switch.poll()
        assert (run.state, run.taken) == (RunState.DONE, 1)
    assert await switch.rated() == 7
    assert (there / "done" / "a.csv").exists()


async def test_a_wrong_password_raises_an_alarm_at_once_and_the_right_one_closes_it(
    switch: Switch, tmp_path: Path
) -> None:
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "there").mkdir()
    async with sftp_server(tmp_path / "there", [host_key]) as port:
        fields: dict[str, Any] = {
            "address": f"sftp://cdr@127.0.0.1:{port}/",
            "host_keys": (host_key.get_fingerprint(),),
        }
        await switch.feed(credentials={"password": "wrong"}, **fields)
        run = await switch.poll()
        assert (run.state, run.fault) == (
            RunState.FAILED,
            "the login is refused: user, password or key is wrong",
        )
        assert "login is refused" in (await switch.alarms())["feed_failing"]
        await switch.feed(version=1, credentials={"password": PASSWORD}, **fields)
        assert (await switch.poll()).state is RunState.DONE
        assert await switch.alarms() == {}


async def test_a_feed_that_is_polled_is_not_removed(switch: Switch) -> None:
    feed = await switch.feed()
    async with switch.wiring.begin(switch.world.actor) as unit:
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
        await unit.feeds.stand(feed.id, replace(standing, polling_by="somebody"))
    with pytest.raises(WrongState):
        await remove_feed("pbx", 1, actor=switch.world.actor, begin=switch.wiring.begin)


def test_flat_fields_are_read_as_they_are_shown() -> None:
    fields = {"name": "a", "source": "b", "address": "c", "after": "leave", "grows": True, "stable_seconds": 5}
    cmd = command(fields | {"ignored": ["*.x"], "host_keys": ["k"], "credentials": {"password": "p"}, "ca": None})
    assert (cmd.rules.after, cmd.rules.grows, cmd.rules.ignored, cmd.host_keys) == (After.LEAVE, True, ("*.x",), ("k",))
    assert "'p'" not in repr(cmd)
    for wrong, field in (
        ({"afer": "leave"}, "afer"),
        ({"after": "burn"}, "after"),
        ({"grows": "yes"}, "grows"),
        ({"stable_seconds": True}, "stable_seconds"),
        ({"ignored": "*.x"}, "ignored"),
        ({"credentials": {"password": 1}}, "credentials"),
        ({"schedule": 5}, "schedule"),
        ({"name": None}, "name"),
    ):
        with pytest.raises(BadValue) as no:
            command(fields | wrong)
        assert no.value.field == field
