"""The words of statements, reminders and reports, beside those of an invoice, in each language of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KEYS: Final = (
    "statement", "since", "until", "opening", "closing", "day", "what", "document", "amount", "balance", "invoice",
    "credit_note", "payment", "claim", "write_off", "top_up", "other", "not_due", "days_30", "days_60", "days_90",
    "older", "credit", "total", "number", "name", "currency", "group", "reseller", "account", "notice", "reminder",
    "demand", "bar", "end", "hand_over", "open", "fee", "compensation", "interest", "to_pay", "pay_by", "due", "letter",
    "notice_text", "reminder_text", "demand_text", "bar_text", "end_text", "hand_over_text", "interest_line",
    "disputed_text", "sms_text", "reminder_fee", "return_fee", "collection_fee", "period",
)  # fmt: skip

_ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "Statement of account", "From", "To", "Opening balance", "Closing balance", "Date", "What", "Document",
        "Amount", "Balance", "Invoice", "Credit note", "Payment", "Fee or interest", "Written off or set off",
        "Top-up", "Other", "Not due", "1–30 days", "31–60 days", "61–90 days", "Over 90 days", "Credit", "Total",
        "Number", "Name", "Currency", "Group", "Reseller", "Account", "Friendly reminder", "Payment reminder",
        "Demand for payment", "Notice of barring", "Notice of termination", "Handed over for collection", "Left to pay",
        "Reminder fee", "Compensation for late payment", "Late interest", "To pay", "Pay by", "Due", "Letter no.",
        "Perhaps you have missed this: we have not received your payment. If you have paid, please disregard this.",
        "We have not received your payment. Please pay the amount below by the day that stands there.",
        ("Despite reminders you have not paid. If we have not received the amount below in time, the claim may be"
        " handed over to a collection agency or the enforcement authority. If you dispute it, tell us at once."),
        "Since your invoice is not paid, your services are barred. They are opened again when you have paid.",
        "Since your invoice is not paid, your services are ended.",
        "The claim has been handed over to a collection agency.",
        "{percent} % a year on {principal} for {days} days, {start} to {end}",
        "{amount} of it is disputed and not asked for.",
        "{seller}: invoice {number} is not paid. Please pay {amount} {currency} with reference {reference}.",
        "Reminder fee", "Fee for a returned debit", "Fee for a demand", "Period",
    ),
    "sv": (
        "Kontoutdrag", "Från", "Till", "Ingående saldo", "Utgående saldo", "Datum", "Händelse", "Verifikat", "Belopp",
        "Saldo", "Faktura", "Kreditfaktura", "Betalning", "Avgift eller ränta", "Avskrivet eller kvittat",
        "Påfyllning", "Annat", "Ej förfallet", "1–30 dagar", "31–60 dagar", "61–90 dagar", "Över 90 dagar",
        "Tillgodo", "Summa", "Nummer", "Namn", "Valuta", "Grupp", "Återförsäljare", "Konto", "Vänlig påminnelse",
        "Betalningspåminnelse", "Inkassokrav", "Besked om spärr", "Besked om uppsägning", "Överlämnat till inkasso",
        "Kvar att betala", "Påminnelseavgift", "Förseningsersättning", "Dröjsmålsränta", "Att betala",
        "Betala senast", "Förföll", "Brev nr",
        "Du har kanske missat detta: vi har inte fått din betalning. Har du redan betalat kan du bortse från brevet.",
        "Vi har inte fått din betalning. Betala beloppet nedan senast den dag som anges.",
        ("Trots påminnelser har du inte betalat. Har vi inte fått beloppet i tid kan kravet lämnas till inkassoombud"
        " eller Kronofogden. Bestrider du kravet, hör av dig genast."),
        "Eftersom fakturan inte är betald är dina tjänster spärrade. De öppnas igen när du har betalat.",
        "Eftersom fakturan inte är betald har dina tjänster avslutats.",
        "Kravet har lämnats till ett inkassoombud.",
        "{percent} % om året på {principal} i {days} dagar, {start} till {end}",
        "{amount} av beloppet är bestritt och krävs inte.",
        "{seller}: faktura {number} är inte betald. Betala {amount} {currency} med referens {reference}.",
        "Påminnelseavgift", "Avgift för returnerad betalning", "Avgift för inkassokrav", "Period",
    ),
    "nb": (
        "Kontoutskrift", "Fra", "Til", "Inngående saldo", "Utgående saldo", "Dato", "Hendelse", "Bilag", "Beløp",
        "Saldo", "Faktura", "Kreditnota", "Betaling", "Gebyr eller rente", "Avskrevet eller motregnet", "Påfylling",
        "Annet", "Ikke forfalt", "1–30 dager", "31–60 dager", "61–90 dager", "Over 90 dager", "Til gode", "Sum",
        "Nummer", "Navn", "Valuta", "Gruppe", "Forhandler", "Konto", "Vennlig påminnelse", "Purring",
        "Inkassovarsel", "Varsel om sperring", "Varsel om opphør", "Overført til inkasso", "Gjenstår å betale",
        "Purregebyr", "Kompensasjon for forsinket betaling", "Forsinkelsesrente", "Å betale", "Betal innen",
        "Forfalt", "Brev nr.",
        "Kanskje har du oversett dette: vi har ikke mottatt betalingen. Har du betalt, kan du se bort fra brevet.",
        "Vi har ikke mottatt betalingen. Betal beløpet under innen dagen som står der.",
        ("Tross purring er det ikke betalt. Er beløpet ikke betalt i tide, kan kravet bli sendt til inkasso. Bestrider"
        " du kravet, ta kontakt med en gang."),
        "Siden fakturaen ikke er betalt, er tjenestene sperret. De åpnes igjen når du har betalt.",
        "Siden fakturaen ikke er betalt, er tjenestene avsluttet.",
        "Kravet er overført til et inkassobyrå.",
        "{percent} % i året av {principal} i {days} dager, {start} til {end}",
        "{amount} av beløpet er bestridt og kreves ikke.",
        "{seller}: faktura {number} er ikke betalt. Betal {amount} {currency} med referanse {reference}.",
        "Purregebyr", "Gebyr for returnert betaling", "Gebyr for inkassovarsel", "Periode",
    ),
    "da": (
        "Kontoudtog", "Fra", "Til", "Primosaldo", "Ultimosaldo", "Dato", "Hændelse", "Bilag", "Beløb", "Saldo",
        "Faktura", "Kreditnota", "Betaling", "Gebyr eller rente", "Afskrevet eller modregnet", "Optankning", "Andet",
        "Ikke forfaldent", "1–30 dage", "31–60 dage", "61–90 dage", "Over 90 dage", "Tilgode", "I alt", "Nummer",
        "Navn", "Valuta", "Gruppe", "Forhandler", "Konto", "Venlig påmindelse", "Rykker", "Inkassovarsel",
        "Varsel om spærring", "Varsel om opsigelse", "Overgivet til inkasso", "Mangler at betale", "Rykkergebyr",
        "Kompensation for sen betaling", "Morarente", "At betale", "Betal senest", "Forfaldt", "Brev nr.",
        "Måske har du overset dette: vi har ikke modtaget betalingen. Har du betalt, kan du se bort fra brevet.",
        "Vi har ikke modtaget betalingen. Betal beløbet nedenfor senest den dag, der står.",
        ("Trods rykkere er der ikke betalt. Er beløbet ikke modtaget i tide, kan kravet gå til inkasso. Bestrider du"
        " kravet, så kontakt os straks."),
        "Da fakturaen ikke er betalt, er tjenesterne spærret. De åbnes igen, når du har betalt.",
        "Da fakturaen ikke er betalt, er tjenesterne afsluttet.",
        "Kravet er overgivet til et inkassobureau.",
        "{percent} % om året af {principal} i {days} dage, {start} til {end}",
        "{amount} af beløbet er bestridt og kræves ikke.",
        "{seller}: faktura {number} er ikke betalt. Betal {amount} {currency} med reference {reference}.",
        "Rykkergebyr", "Gebyr for returneret betaling", "Gebyr for inkassovarsel", "Periode",
    ),
    "fi": (
        "Tiliote", "Alkaen", "Asti", "Alkusaldo", "Loppusaldo", "Päivä", "Tapahtuma", "Tosite", "Määrä", "Saldo",
        "Lasku", "Hyvityslasku", "Maksu", "Kulu tai korko", "Poistettu tai kuitattu", "Lataus", "Muu", "Erääntymätön",
        "1–30 päivää", "31–60 päivää", "61–90 päivää", "Yli 90 päivää", "Hyvitys", "Yhteensä", "Numero", "Nimi",
        "Valuutta", "Ryhmä", "Jälleenmyyjä", "Tili", "Ystävällinen muistutus", "Maksumuistutus", "Maksuvaatimus",
        "Ilmoitus sulkemisesta", "Ilmoitus päättymisestä", "Siirretty perintään", "Maksamatta", "Muistutuskulu",
        "Vakiokorvaus", "Viivästyskorko", "Maksettavaa", "Maksettava viimeistään", "Erääntyi", "Kirje nro",
        "Ehkä tämä jäi huomaamatta: emme ole saaneet maksua. Jos olet maksanut, kirje on aiheeton.",
        "Emme ole saaneet maksua. Maksa alla oleva summa viimeistään mainittuna päivänä.",
        ("Muistutuksista huolimatta laskua ei ole maksettu. Jos summaa ei makseta ajoissa, saatava voidaan siirtää"
        " perintään. Jos kiistät saatavan, ota heti yhteyttä."),
        "Koska laskua ei ole maksettu, palvelut on suljettu. Ne avataan, kun olet maksanut.",
        "Koska laskua ei ole maksettu, palvelut on päätetty.",
        "Saatava on siirretty perintätoimistolle.",
        "{percent} % vuodessa summalle {principal}, {days} päivää, {start}–{end}",
        "Summasta {amount} on kiistetty eikä sitä vaadita.",
        "{seller}: laskua {number} ei ole maksettu. Maksa {amount} {currency} viitteellä {reference}.",
        "Muistutuskulu", "Palautuneen maksun kulu", "Maksuvaatimuksen kulu", "Jakso",
    ),
    "de": (
        "Kontoauszug", "Von", "Bis", "Anfangssaldo", "Endsaldo", "Datum", "Vorgang", "Beleg", "Betrag", "Saldo",
        "Rechnung", "Gutschrift", "Zahlung", "Gebühr oder Zinsen", "Ausgebucht oder verrechnet", "Aufladung",
        "Anderes", "Nicht fällig", "1–30 Tage", "31–60 Tage", "61–90 Tage", "Über 90 Tage", "Guthaben", "Summe",
        "Nummer", "Name", "Währung", "Gruppe", "Wiederverkäufer", "Konto", "Freundliche Erinnerung",
        "Zahlungserinnerung", "Mahnung", "Sperrankündigung", "Kündigung", "An Inkasso übergeben", "Noch zu zahlen",
        "Mahngebühr", "Verzugspauschale", "Verzugszinsen", "Zu zahlen", "Zahlbar bis", "Fällig", "Brief Nr.",
        "Vielleicht ist es Ihnen entgangen: Ihre Zahlung ist nicht eingegangen. Haben Sie gezahlt, ist dies hinfällig.",
        "Ihre Zahlung ist nicht eingegangen. Bitte zahlen Sie den Betrag unten bis zum angegebenen Tag.",
        ("Trotz Erinnerung haben Sie nicht gezahlt. Geht der Betrag nicht rechtzeitig ein, kann die Forderung an ein"
        " Inkassobüro übergeben werden. Bestreiten Sie sie, melden Sie sich sofort."),
        "Da die Rechnung nicht bezahlt ist, sind Ihre Dienste gesperrt. Sie werden nach Zahlung wieder geöffnet.",
        "Da die Rechnung nicht bezahlt ist, sind Ihre Dienste beendet.",
        "Die Forderung ist an ein Inkassobüro übergeben.",
        "{percent} % im Jahr auf {principal} für {days} Tage, {start} bis {end}",
        "{amount} davon sind bestritten und werden nicht verlangt.",
        "{seller}: Rechnung {number} ist nicht bezahlt. Bitte zahlen Sie {amount} {currency}, Referenz {reference}.",
        "Mahngebühr", "Gebühr für Rücklastschrift", "Gebühr für Mahnung", "Zeitraum",
    ),
}  # fmt: skip

LEDGER_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: dict(zip(_KEYS, row, strict=True)) for language, row in _ROWS.items()
}
