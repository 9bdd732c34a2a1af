"""Made-up records of the formats that came later than those in ``benchmarks.readers``: a row by its number."""

from __future__ import annotations

import time
from typing import Final

FIRST: Final = 1_772_445_600  # 2026-03-02 10:00:00 UTC
CUCM_HEAD: Final = (
    b'"cdrRecordType","globalCallID_callId","dateTimeOrigination","callingPartyNumber","origCause_value",'
    b'"finalCalledPartyNumber","destCause_value","dateTimeConnect","dateTimeDisconnect","pkid","duration",'
    b'"joinOnBehalfOf"\n'
    b"INTEGER,INTEGER,INTEGER,VARCHAR(50),INTEGER,VARCHAR(50),INTEGER,INTEGER,INTEGER,UNIQUEIDENTIFIER,INTEGER,INTEGER\n"
)
BROADWORKS_HEAD: Final = b"version=23.0 encoding=ISO-8859-1\r\n0,,Start\r\n"
BROADWORKS_TAIL: Final = b"0,,End\r\n"
CSV_HEAD: Final = b"id,start,used,a,b,disposition\n"
FIXED: Final = """name = "fixed"
reader = "generic-fixed"
[file]
columns = ["id", "start", "used", "a", "b"]
widths = [8, 20, 5, 11, 11]
"""
_CEL: Final = (
    ("CHAN_START", 0, "46701740605", ""),
    ("ANSWER", 5, "46701740605", ""),
    ("HANGUP", 65, "46701740605", '{""hangupcause"":16}'),
    ("LINKEDID_END", 65, "", ""),
)


def clock(epoch: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return an instant in UTC, written by a strftime form."""
    return time.strftime(form, time.gmtime(epoch))


def _times(number: int, form: str) -> list[str]:
    """Return when a call begins, is answered and ends."""
    at = FIRST + number // 3
    return [clock(at + shift, form) for shift in (0, 5, 65)]


def cel(number: int) -> bytes:
    """Return an event of a channel; four make a call."""
    call, place = divmod(number, len(_CEL))
    kind, shift, caller, extra = _CEL[place]
    return (
        f'"{kind}","{FIRST + call // 3 + shift}.1","","{caller}","{caller}","","","0846500401","c","PJSIP/{call}","",'
        f'"","3","","{FIRST}.{call}","{FIRST}.{call}","","","","{extra}"\n'
    ).encode()


def acme(number: int) -> bytes:
    """Return a Stop record of a session border controller."""
    setup, connect, disconnect = (f"{at}.000 UTC MAR {day}" for at, day in _acme_times(number))
    return (
        f'2,h,5060,"s{number}@h",,,,,,"<sip:+46846500401@h;user=phone>;tag=1","<sip:+46701740605@h>",User-Request,60,'
        f'"{setup}","{connect}","{disconnect}",16,,,,,"in","out",,\n'
    ).encode()


def _acme_times(number: int) -> list[tuple[str, str]]:
    at = FIRST + number // 3
    return [(clock(at + shift, "%H:%M:%S"), clock(at + shift, "%d %Y")) for shift in (0, 5, 65)]


def broadworks(number: int) -> bytes:
    """Return a Normal record."""
    begun, answered, ended = (f"{one}.100" for one in _times(number, "%Y%m%d%H%M%S"))
    return (
        f"{number + 1},Exempel,Normal,+46846500401,,Originating,+46846500401,Public,0701740605,{begun},0+000000,Yes,"
        f"{answered},{ended},016,VoIP{',' * 40}\r\n"
    ).encode()


def cucm(number: int) -> bytes:
    """Return a call record."""
    at = FIRST + number // 3
    return f'1,{number},{at},"46701740606",0,"0701740605",16,{at + 5},{at + 65},"p-{number}",60,0\n'.encode()


def huawei(number: int) -> bytes:
    """Return a moCallRecord of 60 seconds (BER)."""
    begun, answered, _ = (bytes.fromhex(one) + b"+\0\0" for one in _times(number, "%y%m%d%H%M%S"))
    body = b"\x80\x01\0\x84\x07\x91\x64\x07\x71\x04\x06\x50\x85\x06\xa1\x80\x64\x05\x04\x10"
    body += b"\x89\x07\x91\x64\x07\x71\x04\x00\x00" + b"\x96\x09" + begun + b"\x97\x09" + answered
    body += b"\x99\x02\0\x3c\x9e\x01\0\x9f\x20\x04" + number.to_bytes(4)
    return b"\xa0" + bytes([len(body)]) + body


def radius_voice(number: int) -> bytes:
    """Return a packet of a voice gateway; Start and Stop make a call."""
    call, place = divmod(number, 2)
    return (
        f"Mon Mar  2 11:00:00 2026\n\tAcct-Status-Type = {('Start', 'Stop')[place]}\n"
        f'\tAcct-Session-Id = "{call:08x}"\n\tNAS-IP-Address = 192.0.2.1\n\tCalling-Station-Id = "46846500401"\n'
        f'\tCalled-Station-Id = "46701740605"\n\tAcct-Session-Time = {60 * place}\n'
        f"\tTimestamp = {FIRST + call // 3 + 60 * place}\n\n"
    ).encode()


def ribbon(number: int) -> bytes:
    """Return a STOP record."""
    at = FIRST + number // 3
    return (
        f"STOP,GSX1,0x{number:08x},9,GMT+00:00-UTC,{clock(at, '%m/%d/%Y,%H:%M:%S')}.0,1,2,500,"
        f'{clock(at + 65, "%m/%d/%Y,%H:%M:%S")}.0,6,6000,16,VoIP,IP-TO-IP,P,,0846500401,0701740605,"a, b",1\n'
    ).encode()


def csv(number: int) -> bytes:
    """Return a row of any delimited file."""
    return f"{number},{clock(FIRST + number // 3)},60,0846500401,0701740605,yes\n".encode()


def fixed(number: int) -> bytes:
    """Return a line of ``FIXED``."""
    return f"{number:<8}{clock(FIRST + number // 3)} {60:>4} {'0846500401':<11}{'0701740605':<11}\n".encode()
