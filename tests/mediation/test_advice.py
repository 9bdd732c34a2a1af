"""What ``source check`` says to change; taken, the file is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.cdr.advice import advise
from integrations.cdr.guesses import best_profile
from integrations.cdr.registry import profile
from tests.mediation.running import run
from tests.mediation.samples import FILES

TABLE = """Nummer;Beginn;Anrufer;Ziel;Dauer
17;02.03.2026 10:00:05;0846500401;0701740605;60
18;02.03.2026 10:01:05;0846500402;0701740606;7
19;02.03.2026 10:02:05;0846500402;0701740606;75
20;02.03.2026 10:02:09;0846500401;0701740606;60
"""


def told(data: bytes, source: str) -> dict[str, Any]:
    return {one.key: one.value for one in advise(data, profile(source))}


def taken(source: str, changes: dict[str, Any]) -> str:
    """Write a profile with the changes taken."""
    tables: dict[str, list[str]] = {}
    for key, value in changes.items():
        table, _, name = key.partition(".")
        if value is not None and name:
            tables.setdefault(table, []).append(f"{name} = {json.dumps(value)}")
    reader = changes.get("reader", source)
    return f'name = "own"\nreader = "{reader}"\n' + "".join(
        f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items()
    )


@pytest.mark.parametrize(
    ("text", "header"), [(TABLE, True), (TABLE.partition("\n")[2], None), (TABLE.replace(";", "\t"), True)]
)
def test_a_table_that_nobody_knows_is_read_by_what_its_values_look_like(text: str, header: bool | None) -> None:
    changes = told(text.encode(), "generic-csv")
    assert changes.get("file.header") is header
    events, rejects, _ = run(taken("generic-csv", changes) + '[number]\ncountry = "SE"\n', text.encode())
    assert rejects.height == 0
    assert events["used"].to_list() == [60, 7, 75, 60]
    assert events["a"].to_list() == ["46846500401", "46846500402", "46846500402", "46846500401"]
    assert events["b"][0] == "46701740605"
    assert events["ref"].to_list() == ["17", "18", "19", "20"]


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("generic") and name != "asterisk"])
def test_another_shipped_profile_that_fits_is_named(name: str) -> None:
    fitting, data, _, _ = FILES[name]
    assert told(data, "asterisk") == {"reader": fitting}


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("generic")])
def test_where_the_profile_fits_no_other_is_named(name: str) -> None:
    fitting, data, _, _ = FILES[name]
    assert best_profile(data, profile(fitting)) is None


def test_what_nobody_reads_is_said_so() -> None:
    assert best_profile(b"nothing that anybody knows\n" * 9, profile("asterisk")) is None


@pytest.mark.shared
def test_the_samples_are_known_for_what_they_are(shared: Path) -> None:
    folder = shared / "data" / "cdr"
    kinds = {
        "3cx_csv": "3cx", "acme_sbc_csv": "acme-sbc", "broadworks_csv": "broadworks", "cucm": "cucm",
        "freeswitch_json": "freeswitch-json", "freeswitch_xml": "freeswitch-xml", "huawei_msc": "huawei-msc",
        "pgw_3gpp": "pgw-3gpp", "radius_detail": "radius", "ribbon_act": "ribbon-act",
    }  # fmt: skip
    for name, fitting in kinds.items():
        for path in sorted((folder / name).glob("*")):
            if not path.name.startswith("cmr"):
                assert told(path.read_bytes(), "asterisk") == {"reader": fitting}, path.name


def test_a_first_row_of_names_is_proposed_as_such_with_any_other_change() -> None:
    rows = "46850000000,46701234567,2026-03-02 10:00:00,60\n46850000001,46701234568,2026-03-02 10:01:00,61\n"
    data = ("caller,callee,started,seconds\n" + rows).encode()
    changes = told(data, "generic-csv")
    assert changes["file.header"] is True
    events, rejects, _ = run(taken("generic-csv", changes), data)
    assert (events.height, rejects.height) == (2, 0)
    fitting = b"ref,start,a,b,used\n1,2026-03-02 10:00:00,46850000000,46701234567,60\n"
    assert "file.header" not in told(fitting, "generic-csv"), "it is found by itself, and nothing else is to change"


def test_a_table_exported_in_quotes_is_told_of_a_profile_that_knows_none() -> None:
    rows = [("INVITE", "2026-03-02 10:00:05"), ("BYE", "2026-03-02 10:01:05")]
    lines = [f'"{n}","{method}","a1","b1","x@h","200","OK","{at}"' for n, (method, at) in enumerate(rows)]
    names = '"id","method","from_tag","to_tag","callid","sip_code","sip_reason","time"'
    data = "\n".join([names, *lines, ""]).encode()
    changes = told(data, "opensips")
    assert (changes["file.delimiter"], changes["file.quote"]) == (",", '"')
    events, rejects, _ = run(taken("opensips", changes), data)
    assert (events["used"].to_list(), rejects.height) == ([60], 0)


def test_what_an_administrator_chose_is_proposed_by_what_stands_there() -> None:
    times = "2026-03-02 09:00:00;2026-03-02 09:00:05;2026-03-02 09:01:10"
    row = f"00:01:05;00000173B1AB2A6C_161;Call 101;{times};Ext.100;0701740605;TerminatedByDst\n"
    data = row.encode() * 2
    events, rejects, _ = run(taken("3cx", told(data, "3cx")), data)
    assert rejects.height == 0
    assert events.select("ref", "a", "b", "used", "direction").rows() == [
        ("00000173B1AB2A6C_161", "Ext.100", "0701740605", 65, "out")
    ]
    lines = (
        b"INVITE|a|b|c1|200|OK|1772442000|192.0.2.1|sip:+46846500401@h|x|sip:+46701740605@h|1:1\n"
        b"BYE|a|b|c1|200|OK|1772442060|||||1:1\n"
    )
    events, rejects, _ = run(taken("opensips", told(lines, "opensips")), lines)
    assert (rejects.height, events.select("a", "b", "used").rows()) == (0, [("46846500401", "46701740605", 60)])
