"""Made-up files, one or more per format, as small as they can be with everything that matters in them."""

from __future__ import annotations

import json

ASTERISK = (
    b'"","101","0701740605","from-internal","""A"" <101>","PJSIP/101-1","PJSIP/trunk-2","Dial","PJSIP/x,60",'
    b'"2026-03-02 10:00:00","2026-03-02 10:00:05","2026-03-02 10:01:05",65,60,"ANSWERED",'
    b'"DOCUMENTATION","1772445600.1",'
    b'"","","1772445600.1",0\n'
    b'"","101","0701740606","from-internal","""B, C"" <101>","PJSIP/101-3","PJSIP/trunk-4","Dial","PJSIP/x,60",'
    b'"2026-03-02 10:05:00",,"2026-03-02 10:05:30",30,30,"NO ANSWER","DOCUMENTATION","1772445900.3",'
    b'"","","1772445900.3",1\n'
    b'"","101","s","c","","Local/9@c-0;2","","Dial","","2026-03-02 10:06:00",,"2026-03-02 10:06:01",1,0,"NO ANSWER",'
    b'"DOCUMENTATION","1772445960.5","","","1772445960.5",2\n'
)
FREESWITCH = (
    b"caller_id_name,caller_id_number,destination_number,context,start_stamp,answer_stamp,end_stamp,duration,billsec,"
    b"hangup_cause,uuid,bleg_uuid,accountcode\n"
    b'"A","101","0701740605","d","2026-03-02 10:00:00","2026-03-02 10:00:05","2026-03-02 10:01:05","65","60",'
    b'"NORMAL_CLEARING","u-1","u-2","acme"\n'
    b'"A","101","0701740606","d","2026-03-02 10:02:00","","2026-03-02 10:02:05","5","0","USER_BUSY","u-3","","acme"\n'
)
CEL = b"".join(
    b'"%s","%s","","%s","","","","%s","c","PJSIP/1","","","3","","%s","1.10","","","","%s"\n' % row
    for row in (
        (b"CHAN_START", b"1772445600.1", b"46701740605", b"0846500401", b"1.10", b""),
        (b"ANSWER", b"1772445605.2", b"46701740605", b"0846500401", b"1.10", b""),
        (b"BRIDGE_ENTER", b"1772445605.3", b"101", b"", b"1.11", b""),
        (b"HANGUP", b"1772445665.2", b"46701740605", b"102", b"1.10", b'{""hangupcause"":16}'),
        (b"LINKEDID_END", b"1772445665.3", b"", b"", b"1.11", b""),
    )
)
_LEG = {
    "core-uuid": "c-1",
    "switchname": "s",
    "variables": {
        "uuid": "u-1", "start_epoch": "1772445600", "answer_epoch": "1772445605", "end_epoch": "1772445665",
        "duration": "65", "billsec": "60", "hangup_cause_q850": "16", "sip_from_uri": "101@h",
    },
    "callflow": [{"caller_profile": {"caller_id_number": "101", "destination_number": "0701740605"}}],
}  # fmt: skip
FREESWITCH_JSON = json.dumps(_LEG).encode() + b"\n" + json.dumps(_LEG).replace("u-1", "u-2").encode()
FREESWITCH_XML = (
    b'<?xml version="1.0"?>\n<cdr core-uuid="c-1"><variables><uuid>u-1</uuid><start_epoch>1772445600</start_epoch>'
    b"<answer_epoch>1772445605</answer_epoch><end_epoch>1772445665</end_epoch><billsec>60</billsec>"
    b"<duration>65</duration><sip_from_uri>101%40h</sip_from_uri></variables><callflow><caller_profile>"
    b"<caller_id_number>%2B46701740605</caller_id_number><destination_number>0701740605</destination_number>"
    b"</caller_profile></callflow></cdr>\n"
)
CUCM = (
    b'"cdrRecordType","globalCallID_callId","dateTimeOrigination","callingPartyNumber","origCause_value",'
    b'"finalCalledPartyNumber","destCause_value","dateTimeConnect","dateTimeDisconnect","pkid",'
    b'"duration","joinOnBehalfOf"\n'
    b"INTEGER,INTEGER,INTEGER,VARCHAR(50),INTEGER,VARCHAR(50),INTEGER,INTEGER,INTEGER,"
    b"UNIQUEIDENTIFIER,INTEGER,INTEGER\n"
    b'1,7,1772445600,"101",0,"0701740605",16,1772445605,1772445665,"p-1",60,0\n'
    b'1,8,1772445600,"b00101",0,"0701740605",16,0,1772445665,"p-2",0,27\n'
)
BROADWORKS = (
    b"version=23.0 encoding=ISO-8859-1\r\n1,,Start\r\n"
    b"2,Exempel\\, \xe5,Normal,+46846500401,,Originating,+46846500401,Public,0701740605,"
    b"20260302100000.868,0+010000,Yes,"
    b"20260302100005.100,20260302100107.350,016,VoIP" + b"," * 40 + b"\r\n"
    b"3,Exempel,Interim,+46846500401,,Originating" + b"," * 50 + b"\r\n4,,End\r\n"
)
RIBBON = (
    b"START,GSX1,0x01,9,GMT+01:00-CET,03/02/2026,11:00:00.0,1,2,500,VoIP,I,B,,,0701740605,1,,\n"
    b"STOP,GSX1,0x01,9,GMT+01:00-CET,03/02/2026,11:00:00.0,1,2,500,03/02/2026,11:01:05.0,6,6000,16,VoIP,IP-TO-IP,P,,"
    b'0846500401,0701740605,"a, b",1\n'
    b"ATTEMPT,GSX1,0x02,9,GMT+01:00-CET,03/02/2026,11:05:00.0,1,2,11:05:09.0,3,17,VoIP,I,P,,0846500401,0701740606,1\n"
)
ACME = (
    b'2,h,5060,"s1@h",,,,,,""A "B" C"<sip:+46846500401@h;user=phone>;tag=1","<sip:+46701740605@h>",User-Request,60,'
    b'"11:00:00.000 CET MAR 02 2026","11:00:05.000 CET MAR 02 2026","11:01:05.000 CET MAR 02 2026",'
    b'16,,,,,"in","out",,\n'
    b'1,h,5060,"s2@h",,,,,,"<sip:+46846500401@h>","<sip:+46701740605@h>",,,'
    b'"11:00:00.000 CET MAR 02 2026",,,,,,,,"in","out"\n'
)
OPENSIPS = (
    b"BYE|t2|t1|call-1@h|200|OK|1772445665|||||1:1\n"
    b"INVITE|t1|t2|call-1@h|200|OK|1772445605|acc|0846500401|0701740605||1:1\n"
    b"INVITE|t3||call-2@h|404|Not Found|1772445605|acc|0846500401|0701740606||1:2\n"
    b"INVITE|t4|t5|call-3@h|200|OK|1772445605|acc|0846500401|0701740605||1:3\n"
)
THREECX = (
    b"Call 1,0_1,00:00:15.6,2026/03/02 10:00:00,2026/03/02 10:00:05,2026/03/02 10:00:21,ReplacedDst,"
    b"+46846500401,Ext.100,"
    b"10000,100,0701740605,ReplacedDst,Ext.102,102,,,,,Chain: x;\n"
    b"Call 1,0_1,00:01:00,2026/03/02 10:00:21,2026/03/02 10:00:22,2026/03/02 10:01:22,"
    b"TerminatedBySrc,+46846500401,Ext.102,"
    b"10000,102,0701740605,,Ext.102,102,,,,,Chain: x;\n"
    b"Call 2,0_2,,2026/03/02 10:02:00,,2026/03/02 10:02:30,TerminatedBySrc,Ext.100,0701740606,"
    b"Ext.100,,0701740606,,,,,,,,\n"
)
RADIUS = b"\n".join(
    b'Mon Mar  2 11:00:00 2026\n\tAcct-Status-Type = %s\n\tAcct-Session-Id = "%s"\n\tNAS-IP-Address = 192.0.2.1\n'
    b'\tUser-Name = "sub"\n\tAcct-Session-Time = %s\n\tAcct-Input-Octets = %s\n\tAcct-Output-Octets = %s\n'
    b"\tAcct-Output-Gigawords = %s\n\tAcct-Delay-Time = 0\n\tTimestamp = %s\n" % row
    for row in (
        (b"Start", b"S1", b"0", b"0", b"0", b"0", b"1772445600"),
        (b"Interim-Update", b"S1", b"3600", b"100", b"4000000000", b"0", b"1772449200"),
        (b"Stop", b"S1", b"7200", b"200", b"100", b"2", b"1772452800"),
        (b"Interim-Update", b"S2", b"60", b"10", b"20", b"0", b"1772452800"),
        (b"Start", b"S3", b"0", b"0", b"0", b"0", b"1772445600"),
    )
)


def _tlv(tag: str, value: bytes) -> bytes:
    length = bytes([len(value)]) if len(value) < 128 else b"\x82" + len(value).to_bytes(2)
    return bytes.fromhex(tag) + length + value


def _stamp(text: str) -> bytes:
    return bytes.fromhex(text) + b"+" + bytes.fromhex("0100")


def _call(reference: str, duration: int, cause: int, sequence: int | None, answer: str) -> bytes:
    body = _tlv("80", b"\0") + _tlv("84", bytes.fromhex("91640771040650")) + _tlv("85", bytes.fromhex("a18064050410"))
    body += (
        _tlv("89", bytes.fromhex("91640771040000")) + _tlv("96", _stamp("260302110000")) + _tlv("97", _stamp(answer))
    )
    body += _tlv("99", duration.to_bytes(2)) + _tlv("9e", bytes([cause])) + _tlv("9f20", bytes.fromhex(reference))
    return _tlv("a0", body + (_tlv("9f21", bytes([sequence])) if sequence else b""))


_CALLS = [
    _call("0000000a", 60, 0, None, "260302110005"),
    _call("0000000b", 1800, 1, 1, "260302110005"),
    _call("0000000b", 600, 0, 3, "260302120005"),
    _call("0000000b", 1800, 1, 2, "260302113005"),
]
HUAWEI = _tlv(
    "30",
    _tlv("a0", _tlv("80", _stamp("260302130000")))
    + _tlv("a1", b"".join(_CALLS))
    + _tlv("a2", _tlv("80", _stamp("260302130000")) + _tlv("84", bytes([len(_CALLS)]))),
)
HUAWEI_STREAM = b"\xff\xff".join(_CALLS)


def _bearer(charging: int, sequence: int | None, cause: int, up: int, down: int, opened: str) -> bytes:
    volumes = _tlv("8c", up.to_bytes(5)) + _tlv("8d", down.to_bytes(5))
    body = _tlv("80", b"\x55") + _tlv("83", bytes.fromhex("429009000000f1")) + _tlv("85", charging.to_bytes(4))
    body += _tlv("87", b"internet") + _tlv("8d", _stamp(opened)) + _tlv("8e", b"\x0e\x10") + _tlv("8f", bytes([cause]))
    body += (_tlv("91", bytes([sequence])) if sequence else b"") + _tlv("92", b"pgw1")
    return _tlv("bf4f", body + _tlv("96", bytes.fromhex("1964077104065f")) + _tlv("bf22", _tlv("30", volumes)))


_BEARERS = [
    _bearer(1, 1, 17, 1000, 2000, "260302110000"),
    _bearer(1, 3, 0, 1000, 2000, "260302130000"),
    _bearer(1, 2, 17, 1000, 2**32, "260302120000"),
    _bearer(2, None, 0, 1, 0, "260302120000"),
]
PGW = b"".join(_BEARERS)
_FRAMES = b"".join(len(one).to_bytes(2) + b"\xe0\x28\x00" + one for one in _BEARERS)
_HEADER = (0).to_bytes(4) + b"\xe0\xe0" + bytes(8) + len(_BEARERS).to_bytes(4) + bytes(4) + b"\0" + bytes(21) + bytes(4)
PGW_FILE = (4 + len(_HEADER) + len(_FRAMES)).to_bytes(4) + (4 + len(_HEADER)).to_bytes(4) + _HEADER[4:] + _FRAMES
GENERIC_CSV = (
    b"id,start,used,a,b,disposition\n1,2026-03-02T10:00:05Z,60,0846500401,0701740605,yes\n2,2026-03-02 10:01,5,1,2,\n"
)
GENERIC_JSONL = (
    b'{"id": "1", "start": "2026-03-02T10:00:05+01:00", "used": 60, "a": "0846500401", "b": {"n": "0701740605"}}\n'
    b'{"id": "2", "start": "2026-03-02T10:00:05+01:00", "used": 1.5, "a": "\\u00e5", "b": null}\n'
)
GENERIC_FIXED = b"1   2026-03-02 10:00:05  60 0846500401 0701740605\n2   2026-03-02 10:01:05   5 1          2\n"
FIXED_PROFILE = """name = "old"
reader = "generic-fixed"
[file]
columns = ["id", "start", "used", "a", "b"]
widths = [4, 19, 5, 11, 11]
"""

# name -> (profile, file, events, the sum of used)
FILES: dict[str, tuple[str, bytes, int, int]] = {
    "asterisk": ("asterisk", ASTERISK, 2, 60),
    "freeswitch-csv": ("freeswitch-csv", FREESWITCH, 2, 60),
    "asterisk-cel": ("asterisk-cel", CEL, 1, 60),
    "freeswitch-json": ("freeswitch-json", FREESWITCH_JSON, 2, 120),
    "freeswitch-xml": ("freeswitch-xml", FREESWITCH_XML, 1, 60),
    "cucm": ("cucm", CUCM, 1, 60),
    "broadworks": ("broadworks", BROADWORKS, 1, 63),
    "ribbon-act": ("ribbon-act", RIBBON, 2, 60),
    "acme-sbc": ("acme-sbc", ACME, 1, 60),
    "opensips": ("opensips", OPENSIPS, 2, 60),
    "3cx": ("3cx", THREECX, 2, 76),
    "radius": ("radius", RADIUS, 2, 8589935 + 1),
    "huawei-msc": ("huawei-msc", HUAWEI, 2, 4260),
    "huawei-msc stream": ("huawei-msc", HUAWEI_STREAM, 2, 4260),
    "pgw-3gpp": ("pgw-3gpp", PGW, 2, 4294975 + 1),
    "pgw-3gpp file": ("pgw-3gpp", PGW_FILE, 2, 4294975 + 1),
    "generic-csv": ("generic-csv", GENERIC_CSV, 2, 65),
    "generic-jsonl": ("generic-jsonl", GENERIC_JSONL, 2, 62),
    "generic-fixed": (FIXED_PROFILE, GENERIC_FIXED, 2, 65),
}
