"""Mobile country codes (ITU-T E.212) as ISO 3166 countries, for the network that a subscriber roamed in.

>>> visited(bytes.fromhex("62f210"), "240990000000001"), visited(bytes.fromhex("42f010"), "240990000000001")
('DE', '')
"""

from __future__ import annotations

from typing import Final

_COUNTRIES: Final = (
    "202GR 204NL 206BE 208FR 212MC 213AD 214ES 216HU 218BA 219HR 220RS 222IT 226RO 228CH 230CZ 231SK 232AT 234GB 235GB "
    "238DK 240SE 242NO 244FI 246LT 247LV 248EE 250RU 255UA 257BY 259MD 260PL 262DE 266GI 268PT 270LU 272IE 274IS 276AL "
    "278MT 280CY 282GE 283AM 284BG 286TR 288FO 290GL 292SM 293SI 294MK 295LI 297ME 302CA 310US 311US 312US 313US 314US "
    "315US 316US 330PR 334MX 338JM 368CU 370DO 400AZ 401KZ 404IN 405IN 406IN 410PK 412AF 413LK 414MM 415LB 416JO 418IQ "
    "419KW 420SA 421YE 422OM 424AE 425IL 426BH 427QA 428MN 429NP 430AE 432IR 434UZ 436TJ 437KG 440JP 441JP 450KR 452VN "
    "454HK 455MO 456KH 457LA 460CN 461CN 466TW 467KP 470BD 472MV 502MY 505AU 510ID 515PH 520TH 525SG 528BN 530NZ 537PG "
    "602EG 603DZ 604MA 605TN 606LY 608SN 612CI 620GH 621NG 624CM 631AO 634SD 636ET 639KE 640TZ 641UG 643MZ 645ZM 646MG "
    "647RE 648ZW 649NA 652BW 655ZA 704GT 706SV 708HN 710NI 712CR 714PA 716PE 722AR 724BR 730CL 732CO 734VE 736BO 740EC "
    "744PY 748UY"
)
_BY_CODE: Final = {entry[:3]: entry[3:] for entry in _COUNTRIES.split()}


def country(plmn: bytes) -> str:
    """Return the country of a PLMN identifier (three octets, 3GPP TS 24.008), or its mobile country code."""
    if len(plmn) < 2:
        return ""
    code = f"{plmn[0] & 15:x}{plmn[0] >> 4:x}{plmn[1] & 15:x}"
    return _BY_CODE.get(code, code)


def visited(plmn: bytes, imsi: str) -> str:
    """Return the visited country, '' at home: where the network is of the subscriber's own country."""
    there = country(plmn)
    return "" if there == _BY_CODE.get(imsi[:3], imsi[:3]) else there
