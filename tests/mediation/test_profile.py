from __future__ import annotations

import pytest

from domain.refusal import BadValue, NotFound
from integrations.cdr import registry

LISBON = r"""
name = "asterisk-lisbon"
reader = "asterisk"
[file]
encoding = "utf-8"
delimiter = ","
quote = '"'
escape = "doubled"
header = false
columns = ["src", "dst", "start", "answer", "end", "billsec", "disposition", "uniqueid", "sequence"]
complete = "stable"
[time]
zone = "Europe/Lisbon"
format = "%d/%m/%Y %H:%M:%S"
[usage]
unit = "s"
round = "up"
answered = ["ANSWERED"]
max_seconds = 86400
[number]
country = "PT"
national_prefix = ""
international_prefix = "00"
short = ["112", "118\\d{3}"]
rewrite = [{ match = "^810", replace = "+" }]
[map]
a = "src"
b = "dst"
trunk_out = "dst"
[direction]
out = { src = ["101"] }
[key]
ref = "uniqueid"
leg = ["sequence"]
[ignore]
local_leg = { src = "^Local/" }
[correlate]
by = "linkedid"
timeout_hours = 24
"""


def test_the_documented_profile_is_read_and_keeps_what_it_starts_from() -> None:
    profile = registry.profile(LISBON)
    assert (profile.name, profile.format, profile.zone) == ("asterisk-lisbon", "asterisk", "Europe/Lisbon")
    assert profile.map["used"] == ("billsec",)
    assert profile.number.rewrite == (("^810", "+"),)
    assert profile.cause["BUSY"] == "17"


@pytest.mark.parametrize("name", registry.names())
def test_every_shipped_profile_is_good_and_has_a_reader(name: str) -> None:
    profile = registry.profile(name)
    assert profile.name == name
    assert hasattr(registry.reader(profile), "decode")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("[time]\nzone = 'Europe/Stokholm'", "time.zone is not an IANA zone"),
        ("[time]\nzon = 'UTC'", "time.zon is not a key"),
        ("zone = 'UTC'", "zone is not a key"),
        ("time = 'UTC'", "time must be a table"),
        ("[map]\nduration_s = 'x'", "map.duration_s is not a field"),
        ("[number]\nshort = ['(?=a)']", "number.short '(?=a)' is not a pattern"),
        ("[number]\ncountry = 'Sweden'", "number.country is not a country"),
        ("[number]\nrewrite = [{ match = '^0' }]", "number.rewrite must be a list of"),
        ("[usage]\nunit = 'h'", "usage.unit must be one of"),
        ("[usage]\nmax_seconds = 0", "usage.max_seconds must be a whole number"),
        ("[file]\ndelimiter = ',,'", "file.delimiter must be one ASCII character"),
        ("[file]\nencoding = 'utf-9'", "file.encoding is not a known encoding"),
        ("[file]\nheader = 'yes'", "file.header must be true or false"),
        ("[direction]\nboth = { a = 'x' }", "direction.both must be out or in"),
        ("[ignore]\nx = { a = '(' }", "ignore.x.a '(' is not a pattern"),
        ("[ignore]\nx = 'abc'", "ignore.x must be a table"),
    ],
)
def test_a_fault_is_named_with_its_path(change: str, fault: str) -> None:
    with pytest.raises(BadValue) as no:
        registry.profile(f"name = 'x'\nreader = 'asterisk'\n{change}\n")
    assert fault in no.value.message


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadValue, match=r"time.zone .*usage.round"):
        registry.profile("name = 'x'\nreader = 'asterisk'\n[time]\nzone = 'x'\n[usage]\nround = 'x'\n")


def test_no_reader_no_profile_no_toml() -> None:
    with pytest.raises(NotFound):
        registry.profile("name = 'x'\nreader = 'nonesuch'\n")
    with pytest.raises(NotFound):
        registry.profile("nonesuch")
    with pytest.raises(NotFound):
        registry.profile("../asterisk")
    with pytest.raises(BadValue):
        registry.profile("name = \n")
    with pytest.raises(BadValue, match="name must be a text"):
        registry.profile("reader = 'asterisk'\n")


def test_two_profiles_of_a_kind_are_two_sources() -> None:
    assert registry.profile("freeswitch-xml").map["source"] == ("=freeswitch",)
    assert "source" not in registry.profile("name = 'fs-2'\nreader = 'freeswitch-xml'\n").map
