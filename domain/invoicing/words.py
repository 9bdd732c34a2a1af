"""The few words that invoice lines are written with, in the payer's language; English where it is not known."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.invoicing.bill_run import BillKind
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.telling.language import LANGUAGES, Language, accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words of one language; ``modes`` by mode of usage. ``language`` writes its days.

    ``titles`` are those of invoices that are not of a period.
    """

    language: Language
    modes: Mapping[str, str]
    one_time: str
    binding: str
    received: str
    late: str
    correction: str
    credit: str
    reduction: str
    credited: str
    commission: str
    titles: Mapping[BillKind, str]


_LANGUAGES: Final = {
    "sv": Words(
        language=LANGUAGES["sv"],
        modes={
            "voice": "Samtal",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Datatrafik",
            "fax": "Fax",
            "premium": "Betalsamtal",
            "video": "Videosamtal",
        },
        one_time="{text}, engångsavgift",
        binding="{text}, återstående bindningstid till {day}",
        received="mottagna",
        late="från tidigare period",
        correction="Korrigering av {text}, faktura {number}",
        credit="Kreditering av faktura {number}: {text}",
        reduction="Prisavdrag på faktura {number}",
        credited="Tidigare krediterat av faktura {number}",
        commission="Provision: {rule}",
        titles={
            BillKind.FINAL: "Slutfaktura",
            BillKind.INTERIM: "Delfaktura",
            BillKind.ON_DEMAND: "Faktura på begäran",
        },
    ),
    "en": Words(
        language=LANGUAGES["en"],
        modes={
            "voice": "Calls",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Data",
            "fax": "Fax",
            "premium": "Premium calls",
            "video": "Video calls",
        },
        one_time="{text}, one-time fee",
        binding="{text}, rest of the binding until {day}",
        received="received",
        late="from an earlier period",
        correction="Correction of {text}, invoice {number}",
        credit="Credit of invoice {number}: {text}",
        reduction="Reduction of invoice {number}",
        credited="Credited of invoice {number} before",
        commission="Commission: {rule}",
        titles={
            BillKind.FINAL: "Final invoice",
            BillKind.INTERIM: "Interim invoice",
            BillKind.ON_DEMAND: "Invoice on demand",
        },
    ),
    "nb": Words(
        language=LANGUAGES["nb"],
        modes={
            "voice": "Samtaler",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Datatrafikk",
            "fax": "Faks",
            "premium": "Teletorg",
            "video": "Videosamtaler",
        },
        one_time="{text}, engangsavgift",
        binding="{text}, resten av bindingstiden til {day}",
        received="mottatt",
        late="fra tidligere periode",
        correction="Korrigering av {text}, faktura {number}",
        credit="Kreditering av faktura {number}: {text}",
        reduction="Prisavslag på faktura {number}",
        credited="Tidligere kreditert av faktura {number}",
        commission="Provisjon: {rule}",
        titles={
            BillKind.FINAL: "Sluttfaktura",
            BillKind.INTERIM: "Delfaktura",
            BillKind.ON_DEMAND: "Faktura på forespørsel",
        },
    ),
    "da": Words(
        language=LANGUAGES["da"],
        modes={
            "voice": "Opkald",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Datatrafik",
            "fax": "Fax",
            "premium": "Overtakserede opkald",
            "video": "Videoopkald",
        },
        one_time="{text}, engangsgebyr",
        binding="{text}, resten af bindingsperioden til {day}",
        received="modtaget",
        late="fra tidligere periode",
        correction="Korrektion af {text}, faktura {number}",
        credit="Kreditering af faktura {number}: {text}",
        reduction="Prisnedslag på faktura {number}",
        credited="Tidligere krediteret af faktura {number}",
        commission="Provision: {rule}",
        titles={
            BillKind.FINAL: "Slutfaktura",
            BillKind.INTERIM: "Delfaktura",
            BillKind.ON_DEMAND: "Faktura efter anmodning",
        },
    ),
    "fi": Words(
        language=LANGUAGES["fi"],
        modes={
            "voice": "Puhelut",
            "sms": "Tekstiviestit",
            "mms": "Multimediaviestit",
            "data": "Datasiirto",
            "fax": "Faksit",
            "premium": "Palvelunumerot",
            "video": "Videopuhelut",
        },
        one_time="{text}, kertamaksu",
        binding="{text}, määräaikaisuuden loppuosa {day} asti",
        received="vastaanotettu",
        late="aiemmalta kaudelta",
        correction="Oikaisu: {text}, lasku {number}",
        credit="Hyvitys laskusta {number}: {text}",
        reduction="Hinnanalennus laskusta {number}",
        credited="Laskusta {number} aiemmin hyvitetty",
        commission="Provisio: {rule}",
        titles={BillKind.FINAL: "Loppulasku", BillKind.INTERIM: "Välilasku", BillKind.ON_DEMAND: "Lasku pyynnöstä"},
    ),
    "de": Words(
        language=LANGUAGES["de"],
        modes={
            "voice": "Gespräche",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Datenverkehr",
            "fax": "Fax",
            "premium": "Servicenummern",
            "video": "Videoanrufe",
        },
        one_time="{text}, einmalig",
        binding="{text}, restliche Mindestlaufzeit bis {day}",
        received="angenommen",
        late="aus einem früheren Zeitraum",
        correction="Korrektur zu {text}, Rechnung {number}",
        credit="Gutschrift zu Rechnung {number}: {text}",
        reduction="Preisnachlass auf Rechnung {number}",
        credited="Zu Rechnung {number} bereits gutgeschrieben",
        commission="Provision: {rule}",
        titles={
            BillKind.FINAL: "Schlussrechnung",
            BillKind.INTERIM: "Zwischenrechnung",
            BillKind.ON_DEMAND: "Rechnung auf Anforderung",
        },
    ),
}


@functools.cache  # every line of every invoice asks
def words(language: str) -> Words:
    """Return the words of a language (ISO 639-1)."""
    return _LANGUAGES[accepted(language).code]


def title_of(invoice: Invoice) -> str | None:
    """Return what an invoice is called in its language where it is another than that of a period; None: an invoice."""
    if invoice.kind is not DocumentKind.INVOICE or invoice.self_billed:
        return None
    return words(invoice.language).titles.get(invoice.bill_kind)
