"""Made-up Swedish people, companies and addresses, with well-formed identity numbers that nobody holds.

Personnummer (SKV 704) take their serial from 980 to 999, the range of the Swedish Tax Agency's test persons, and
organisationsnummer begin with 559999, far above what is registered. Postcodes and places are invented.
"""

from __future__ import annotations

from domain.demo.size import Dice
from domain.operators import Address


def _words(text: str) -> tuple[str, ...]:
    """Split a list of words; an underscore keeps two together."""
    return tuple(word.replace("_", " ") for word in text.split())


FIRST_NAMES = _words(
    """
    Alma Alva Anders Anna Arvid Astrid Axel Birgitta Björn Carl Cecilia Daniel Ebba Elin Elsa Emil Erik Eva Folke
    Frida Gunilla Gustav Göran Hanna Hedvig Henrik Ingrid Isak Jenny Johan Jonas Karin Kerstin Klara Lars Lena
    Linnéa Lovisa Magnus Maja Malin Margareta Markus Mikael Märta Nils Olle Olof Oskar Per Petra Pär Rasmus Saga
    Sara Signe Sixten Sofia Stellan Stig Sven Thea Tor Tove Ulla Ulrika Vera Viggo Viktor Vilma Åke Åsa Öjvind
    """
)
LAST_NAMES = _words(
    """
    Ahlgren Almquist Berg Björkman Blom Boström Dahlin Ek Ekström Engdahl Falk Forsgren Granlund Gren Hagelin
    Hallberg Hedlund Holmgren Hägg Isaksson Kvist Lilja Lindeberg Ljungqvist Löfgren Malmsten Morén Norling Nyberg
    Nygren Näslund Palmblad Rosén Rydell Sandell Sjöblom Skoglund Stenmark Ståhl Sundelin Svärd Söderholm Törnqvist
    Wallin Westling Åberg Ågren Ödmark Östlund
    """
)
COMPANY_WORDS = _words(
    """
    Alkottens Asplunda Blåklintens Brohuvudets Ekorrens Fjällripans Fyrbåkens Granbackens Gärdsmygens Havstulpanens
    Hjortronmyrens Järnuggle Kantarell Kopparslätts Kråkbärs Lavskrikans Lingonhedens Mossbergets Månviols
    Norrbäckens Orrspelets Pilfinkens Rallarrosens Renlavens Ripbackens Silverfurans Skogsstjärnans Smultronkullens
    Snöugglans Stenfalks Strandastrarnas Svalgångens Tallbitens Trollsländans Tuvullens Vattenklöverns Vildanemons
    Vinterstugans Vitsippans Älvkvarns Ängslyckans Ärtvägens Öringsforsens
    """
)
TRADES = _words(
    """
    Bageri Bokföring Bygg Cykelservice El_&_Data Fastigheter Fisk_&_Vilt Flyttbyrå Glasmästeri Grafiska
    Handelsträdgård Hemtjänst Konsult Lackering Logistik Mekaniska Måleri Möbler Plåtslageri Redovisning Rör
    Snickeri Tandvård Teknik Transport Tryckeri Ventilation Verkstad
    """
)
STREETS = _words(
    """
    Björkstigen Bryggargränd Dalvägen Enbacken Fyrvägen Grindgatan Hamnplan Hässjevägen Industrislingan
    Järnvägsgatan Klockarbacken Kvarngatan Lärkstigen Mejerivägen Norra_Allén Nygatan Parkgatan Skolgränd
    Smedjegatan Stationsgatan Storgatan Strandvägen Sågverksvägen Tegelbruksvägen Torggatan Vallmovägen
    Västra_Långgatan Åsgatan Älvgatan Östervägen
    """
)
PLACES = _words(
    """
    Lingonvik Norrhamra Björksele Strandby Fågelmo Kvarnbacka Vitåberg Sälstad Almhyltan Granforsa Rävlunda Tallåsen
    Högsjöbro Mörkdalen Ljungahed Sandhamra Åminnefors Östhälla
    """
)


def luhn(digits: str) -> str:
    """Append the check digit of ISO/IEC 7812-1, annex B.

    >>> luhn("559999001")
    '5599990012'
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def organisation_number(index: int) -> str:
    """Return the ``index``-th fictitious organisationsnummer, ten digits.

    >>> organisation_number(1)
    '5599990012'
    """
    assert 0 <= index < 100_000
    return luhn(f"5599{90_000 + index:05d}" if index < 10_000 else f"5598{index - 10_000:05d}")


def vat_id(organisation: str) -> str:
    """Return the Swedish VAT id of an organisation number (SKV 552)."""
    return f"SE{organisation}01"


def personal_number(index: int) -> str:
    """Return the personnummer, twelve digits with a hyphen, of the ``index``-th person; no two below 400 000 are equal.

    >>> personal_number(45)
    '19850101-9957'
    """
    year, month, day = 1940 + index % 65, 1 + index // 65 % 12, 1 + index // 780 % 28
    serial = 980 + (7 * index + index // 21_840) % 20
    birth = f"{month:02d}{day:02d}"
    return f"{year}{birth}-{luhn(f'{year % 100:02d}{birth}{serial}')[6:]}"


def person_name(dice: Dice) -> str:
    """Draw a first and a last name."""
    return f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}"


def company_name(dice: Dice) -> str:
    """Draw a company's name."""
    return f"{dice.pick(COMPANY_WORDS)} {dice.pick(TRADES)} AB"


def address(dice: Dice) -> Address:
    """Draw an address in Sweden."""
    place = dice.below(len(PLACES))
    postcode = 10_000 + place * 4_700 + dice.below(4_000)
    return Address(
        street=f"{dice.pick(STREETS)} {dice.between(1, 98)}",
        postcode=f"{postcode // 100:03d} {postcode % 100:02d}",
        city=PLACES[place],
        country="SE",
    )


def mailbox(name: str, index: int) -> str:
    """Return an e-mail address in a domain that is kept for examples (RFC 2606)."""
    plain = name.lower().translate(str.maketrans("åäöé", "aaoe", "&"))
    return f"{'.'.join(plain.split()[:2])}.{index}@example.com"
