"""The heads of reports' columns for people who open them as a sheet; programs go by the column's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

# By the columns' own names, which programs go by: what people read in each language.
_WORDS: Final[Mapping[str, str]] = {
    "en": "id=Id|seq=Number in the chain|at=Time|kind=Kind|client=Client|user=User|factor=Proved by|behalf=On behalf of"
    "|reseller=Reseller|address=Address|action=Action|target=Done to|outcome=Outcome|request=Request|seen=Data shown of"
    "|detail=Detail|operator=Operator|period_start=From|period_end=To (not incl.)|measure=Measure|quantity=Quantity"
    "|per=Per|unit_price=Unit price|amount=Amount|currency=Currency",
    "sv": "id=Id|seq=Nummer i kedjan|at=Tid|kind=Slag|client=Klient|user=Användare|factor=Styrkt med|behalf=För"
    "|reseller=Återförsäljare|address=Adress|action=Åtgärd|target=Gäller|outcome=Utfall|request=Anrop|seen=Visade"
    " uppgifter om|detail=Detaljer|operator=Operatör|period_start=Från|period_end=Till (ej med)|measure=Mått"
    "|quantity=Antal|per=Per|unit_price=À-pris|amount=Belopp|currency=Valuta",
    "nb": "id=Id|seq=Nummer i kjeden|at=Tid|kind=Type|client=Klient|user=Bruker|factor=Bevist med|behalf=På vegne av"
    "|reseller=Forhandler|address=Adresse|action=Handling|target=Gjelder|outcome=Utfall|request=Kall|seen=Viste"
    " opplysninger om|detail=Detaljer|operator=Operatør|period_start=Fra|period_end=Til (ikke med)|measure=Mål"
    "|quantity=Antall|per=Per|unit_price=Enhetspris|amount=Beløp|currency=Valuta",
    "da": "id=Id|seq=Nummer i kæden|at=Tid|kind=Type|client=Klient|user=Bruger|factor=Bevist med|behalf=På vegne af"
    "|reseller=Forhandler|address=Adresse|action=Handling|target=Vedrører|outcome=Udfald|request=Kald|seen=Viste"
    " oplysninger om|detail=Detaljer|operator=Operatør|period_start=Fra|period_end=Til (ikke med)|measure=Mål"
    "|quantity=Antal|per=Pr.|unit_price=Stykpris|amount=Beløb|currency=Valuta",
    "fi": "id=Tunnus|seq=Numero ketjussa|at=Aika|kind=Laji|client=Asiakasohjelma|user=Käyttäjä|factor=Todennettu"
    "|behalf=Puolesta|reseller=Jälleenmyyjä|address=Osoite|action=Toiminto|target=Kohde|outcome=Tulos|request=Kutsu"
    "|seen=Näytetty tietoja asiakkaista|detail=Tiedot|operator=Operaattori|period_start=Alkaen|period_end=Asti (ei"
    " mukana)|measure=Mittari|quantity=Määrä|per=Per|unit_price=À-hinta|amount=Summa|currency=Valuutta",
    "de": "id=Id|seq=Nummer in der Kette|at=Zeit|kind=Art|client=Client|user=Benutzer|factor=Nachgewiesen durch"
    "|behalf=Im Namen von|reseller=Wiederverkäufer|address=Adresse|action=Handlung|target=Betrifft|outcome=Ergebnis"
    "|request=Anfrage|seen=Gezeigte Daten von|detail=Einzelheiten|operator=Betreiber|period_start=Von|period_end=Bis"
    " (ausschl.)|measure=Maß|quantity=Menge|per=Pro|unit_price=Einzelpreis|amount=Betrag|currency=Währung",
}
HEADS: Final[Mapping[str, Mapping[str, str]]] = {
    language: dict(one.split("=", 1) for one in words.split("|")) for language, words in _WORDS.items()
}


def heads(columns: Sequence[str], language: str | None) -> list[str]:
    """Return what stands over columns in a language; None: the columns' own names.

    >>> heads(["at", "outcome"], "sv"), heads(["at", "outcome"], None)
    (['Tid', 'Utfall'], ['at', 'outcome'])
    """
    return list(columns) if language is None else [HEADS[language][name] for name in columns]
