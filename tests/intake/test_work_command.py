"""``tollwright suspense``, ``file`` and ``source`` on a database: what they print, and their exit codes."""

from __future__ import annotations

import json

from tests.intake import sessions as of
from tests.intake import world as made
from tests.intake.test_command import call, installation

__all__ = ["call", "installation"]
FIXED = "46850000000"


async def test_suspense_files_and_sources_are_worked_on(installation, call):
    profile, file = installation / "pbx.toml", installation / "a.csv"
    good = made.row(1, a=made.number(0), b=FIXED)
    bad = made.row(2, a=made.number(0), b=FIXED).replace("2026-03-02", "2026-33-02")
    nobody = made.row(3, a="46799999999", b=FIXED)
    file.write_bytes(made.lines(good, bad, nobody))
    code, (put,), _ = await call("source", "put", "pbx", profile, "--note", "the first")
    assert (code, put["version"]) == (0, 1)
    code, (told,), _ = await call("import", "cdr", "--source", "pbx", file)
    assert (code, told["reasons"]) == (1, {"bad_time": 1, "no_party": 1})

    code, (held,), err = await call("suspense", "list", "--kind", "reject", "--text", "2026-33", "--source", "pbx")
    assert (code, held["raw"], json.loads(err[-1])) == (0, bad, {"bad_time": 1})
    right = bad.replace("2026-33-02", "2026-03-02")
    code, (done,), _ = await call("suspense", "fix", "--id", held["id"], "--raw", right, "--why", "a typo")
    assert (code, done) == (0, {"corrected": 1, "preview": False})
    code, (done,), _ = await call("suspense", "release", "--source", "pbx", "--preview")
    expected = {"chosen": 2, "rated": 1, "joined": 0, "duplicates": 0, "ignored": 0, "still": {"no_party": 1}}
    assert (code, done) == (1, {**expected, "preview": True})
    code, (done,), _ = await call("suspense", "release", "--source", "pbx", "--why", "now")
    assert (code, done) == (1, {**expected, "preview": False})
    code, history, _ = await call("suspense", "history", held["id"])
    assert (code, [one["action"] for one in history]) == (0, ["correct", "release"])
    code, _, err = await call("suspense", "fix", "--reason", "no_party", "nonsense=1", "--why", "a typo")
    assert (code, len(err), "nonsense" in err[0]) == (2, 1, True)
    code, (done,), _ = await call("suspense", "discard", "--reason", "no_party", "--why", "a test")
    assert (code, done) == (0, {"discarded": 1, "preview": False})
    code, _, err = await call("suspense", "discard", "--why", "nothing chosen")
    assert (code, len(err)) == (2, 1)

    code, (balance,), _ = await call("file", "balance")
    assert (code, balance["holds"], balance["rated"], balance["ignored"]) == (0, True, 2, {"discarded": 1})
    code, (row,), _ = await call("file", "list")
    assert (code, row["source"], row["profile_version"], row["rated"]) == (0, "pbx", 1, 2)
    code, (done,), _ = await call("file", "withdraw", row["id"], "--why", "the wrong zone")
    assert (code, done["state"], done["events"]) == (0, "withdrawn", 2)
    code, (done,), _ = await call("file", "sweep")
    assert (code, done) == (0, {"events": 0, "rejects": 0, "forgotten": 0})

    profile.write_text(made.PROFILE.replace("Europe/Stockholm", "UTC"))
    code, (put,), _ = await call("source", "put", "pbx", profile)
    assert (code, put["version"]) == (0, 2)
    code, lines, _ = await call("source", "versions", "pbx", "--diff", "1", "2", read=str)
    assert (code, '+zone = "UTC"' in lines) == (0, True)
    code, (put,), _ = await call("source", "roll-back", "pbx", "1")
    assert (code, put["version"]) == (0, 3)
    code, versions, _ = await call("source", "versions", "pbx")
    assert [(one["version"], one["note"]) for one in versions] == [
        (3, "back to version 1"),
        (2, None),
        (1, "the first"),
    ]
    code, lines, _ = await call("source", "show", "pbx", read=str)
    assert (code, "\n".join(lines)) == (0, made.PROFILE.rstrip("\n"))
    code, lines, _ = await call("source", "show", "asterisk", read=str)
    assert (code, 'reader = "asterisk"' in lines) == (0, True)
    await call("source", "put", "asterisk", profile)
    own = await call("source", "show", "asterisk", read=str)
    assert own[1] != lines
    assert (await call("source", "show", "asterisk", "--shipped", read=str))[1] == lines
    profile.write_text('name = "a/b"\nreader = "asterisk"\nodd = 1\n[file]\nwidth = 1\n[time]\nzone = "Nowhere"\n')
    code, _, err = await call("source", "put", "no/name", profile, "--note", "x" * 1001)
    assert (code, len(err)) == (2, 1)
    for fault in ("a source's name", "a note has", "odd is not", "file.width", "time.zone", "name must be"):
        assert fault in err[0]
    code, listed, _ = await call("source", "list")
    assert (code, listed[-1]["name"], listed[-1]["version"]) == (0, "pbx", 3)


async def test_what_waited_for_another_file_is_no_less_than_nothing(installation, call):
    """The balance that is printed is that of the files named, as they stand then."""
    invite, bye = installation / "invite.txt", installation / "bye.txt"
    start = int(made.FIRST.timestamp())
    invite.write_bytes(of.sip("INVITE", start))
    bye.write_bytes(of.sip("BYE", start + 60))
    counts = ("records", "events", "merged", "pending")
    _, _, err = await call("import", "cdr", "--source", "opensips", invite)
    assert [json.loads(err[-1])[name] for name in counts] == [1, 0, 0, 1]
    _, _, err = await call("import", "cdr", "--source", "opensips", bye)
    assert [json.loads(err[-1])[name] for name in counts] == [1, 1, 0, 0]
    invite.write_bytes(of.sip("INVITE", start + 100, call="c2"))
    bye.write_bytes(of.sip("BYE", start + 160, call="c2"))
    _, _, err = await call("import", "cdr", "--source", "opensips", invite, bye)
    assert [json.loads(err[-1])[name] for name in counts] == [2, 1, 1, 0]


async def test_a_withdrawal_lets_others_bring_what_they_counted_as_duplicates(installation, call):
    source = ("--source", installation / "pbx.toml")
    for name, data in (("1.csv", made.calls(6)), ("2.csv", made.calls(6, first=3))):
        (installation / name).write_bytes(data)
        await call("import", "cdr", *source, installation / name)
    _, rows, _ = await call("file", "list")
    first, second = (row["id"] for row in rows)
    code, (told,), err = await call("file", "withdraw", first, "--why", "x", "--preview")
    assert (code, told["redone"], len(err)) == (1, [], 1)
    code, (told,), err = await call("file", "withdraw", first, "--why", "x", "--no-redo")
    assert (code, told["events"], told["redone"], len(err)) == (1, 6, [], 1)
    code, (told,), err = await call("file", "withdraw", first, "--why", "x")
    assert (code, told["events"], told["redone"], err) == (0, 0, [{"id": second, "rated": 3, "unrated": 0}], [])
    code, (balance,), _ = await call("file", "balance")
    assert (balance["holds"], balance["rated"], balance["duplicates"]) == (True, 6, 0)
