"""Autogiro beside payments: e-mandates, advice of the old layout, rejected and changed orders; and what is no file."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.payments.record import Kind, PaymentFile
from domain.refusal import Unreadable
from integrations.payments import formats

E_MANDATES = (
    "512026112399000009912346AG-EMEDGIV",
    f"520009912346{111:016d}8901003232323232005556000521     0",
    "53JAG VILL BETALA VARJE MÅNAD",
    "54NILS ÅBERG                          C/O HULT",
    "55STORGATAN 1",
    "5611122STOCKHOLM",
    "592026112399000000005",
)
AMENDED = (
    "01AUTOGIRO              20261123            MAKULERING/ÄNDRING  4711170009912346",
    f"2320261201{101:016d}82{21000:012d}{'':8}00000000REF25{'':11}12",
    f"2420261131{102:016d}82{30000:012d}{'0' * 32}01",
    f"2920261201{103:016d}32{77500:012d}{'':8}20261205REF4{'':12}14",
    f"09202611239900{'':14}{77500:012d}{1:06d}{1:06d}0000{21000:012d}{'0' * 12}",
)
OLD_ADVICE = (
    "012026112399000009912346AG-MEDAVI",
    f"730009912346{7:016d}8901003232323232005556000521000000432" + "20261123",
    "092026112399000000001",
)
REJECTED = (
    "0120261123AUTOGIRO9900FELLISTA REG.KONTRL                     4711170009912346",
    f"82202612010   {2222:016d}{50000:012d}{'':16}01",
    f"09202611239900{0:06d}{0:012d}{1:06d}{50000:012d}",
)


def read(lines: tuple[str, ...], letters: str = "iso-8859-1") -> PaymentFile:
    return formats.read("\r\n".join(line.ljust(80) for line in lines).encode(letters))


@pytest.mark.parametrize("letters", ["iso-8859-1", "utf-8"])
def test_an_e_mandate_is_read_with_its_payer(letters: str) -> None:
    found = read(E_MANDATES, letters)
    assert found.file_id["content"] == "AG-EMEDGIV"
    (mandate,) = found.mandates
    assert (mandate["payer_number"], mandate["name"], mandate["city"]) == ("111", "NILS ÅBERG, C/O HULT", "STOCKHOLM")
    assert mandate["text"] == "JAG VILL BETALA VARJE MÅNAD"


def test_e_mandates_are_counted() -> None:
    with pytest.raises(Unreadable, match="a number of records of 5, its records make 4"):
        read((*E_MANDATES[:4], *E_MANDATES[5:]))
    with pytest.raises(Unreadable, match="is missing"):
        read(E_MANDATES[:-1])
    with pytest.raises(Unreadable, match="before the first mandate"):
        read((E_MANDATES[0], *E_MANDATES[2:]))


def test_changed_orders_are_counted_where_they_were_done() -> None:
    found = read(AMENDED)
    assert [(one.kind, one.amount, one.status, one.details["direction"]) for one in found.records] == [
        (Kind.CANCELLATION, Decimal("210.00"), "12", "payment"),
        (Kind.CANCELLATION, Decimal("300.00"), "01", "payment"),
        (Kind.CANCELLATION, Decimal("775.00"), "14", "payout"),
    ]
    assert found.records[1].date is None, "31 November is in no calendar, and was refused for it"
    assert found.records[2].details["new_date"] == "2026-12-05"
    with pytest.raises(Unreadable, match=r"payments of 210.00, its records make 211.00"):
        read((AMENDED[0], AMENDED[1].replace(f"{21000:012d}", f"{21100:012d}"), *AMENDED[2:]))


def test_advice_and_rejections_of_the_old_layout_are_read() -> None:
    (mandate,) = read(OLD_ADVICE).mandates
    assert mandate["payer_number"] == "7"
    (rejection,) = read(REJECTED).records
    assert (rejection.kind, rejection.amount, rejection.status) == (Kind.REJECTION, Decimal("500.00"), "01")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("\n".join(E_MANDATES).encode("utf-16"), "is in UTF-16"),
        ("\n".join(REJECTED).encode("cp037"), "is in EBCDIC"),
        (
            "\r\n".join((*REJECTED[:1], REJECTED[1] + " " * 40 + "MORE", REJECTED[2])).encode(),
            "records of this format have 80",
        ),
    ],
)
def test_another_character_set_and_another_length_are_told(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        formats.read(data)
