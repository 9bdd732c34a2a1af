"""The heads of the columns of a run's lines, for people who open them as a sheet; machines get the column's names."""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = (
    "Kind|Number|Date|Due date|Payment reference|Customer number|Customer|Currency|Line|Kind of line|For customer"
    "|Contract|Label|Text|From|To (not incl.)|Quantity|Unit|Unit price|Net|VAT category|VAT %|Account|Events|Used"
)
_SWEDISH: Final = (
    "Slag|Nummer|Datum|Förfallodatum|OCR-nummer|Kundnummer|Kund|Valuta|Rad|Radslag|Avser kund"
    "|Avtal|Etikett|Text|Från|Till (ej med)|Antal|Enhet|À-pris|Netto|Momskategori|Moms %|Konto|Händelser|Förbrukat"
)
_NORWEGIAN: Final = (
    "Type|Nummer|Dato|Forfallsdato|Betalingsreferanse|Kundenummer|Kunde|Valuta|Linje|Linjetype|Gjelder kunde"
    "|Avtale|Etikett|Tekst|Fra|Til (ikke med)|Antall|Enhet|Enhetspris|Netto|MVA-kategori|MVA %|Konto|Hendelser|Forbruk"
)
_DANISH: Final = (
    "Type|Nummer|Dato|Forfaldsdato|Betalingsreference|Kundenummer|Kunde|Valuta|Linje|Linjetype|Vedrører kunde"
    "|Aftale|Etiket|Tekst|Fra|Til (ikke med)|Antal|Enhed|Stykpris|Netto|Momskategori|Moms %|Konto|Hændelser|Forbrug"
)
_FINNISH: Final = (
    "Laji|Numero|Päivä|Eräpäivä|Viitenumero|Asiakasnumero|Asiakas|Valuutta|Rivi|Rivilaji|Koskee asiakasta"
    "|Sopimus|Tunniste|Teksti|Alkaen|Asti (ei mukana)|Määrä|Yksikkö|À-hinta|Netto|ALV-luokka|ALV %|Tili|Tapahtumat"
    "|Käytetty"
)
_GERMAN: Final = (
    "Art|Nummer|Datum|Fällig am|Zahlungsreferenz|Kundennummer|Kunde|Währung|Zeile|Zeilenart|Betrifft Kunde"
    "|Vertrag|Bezeichnung|Text|Von|Bis (ausschl.)|Menge|Einheit|Einzelpreis|Netto|USt.-Kategorie|USt. %|Konto"
    "|Ereignisse|Verbraucht"
)
HEADS: Final = {
    code: tuple(heads.split("|"))
    for code, heads in {
        "en": _ENGLISH, "sv": _SWEDISH, "nb": _NORWEGIAN, "da": _DANISH, "fi": _FINNISH, "de": _GERMAN,
    }.items()
}  # fmt: skip
