"""The demo's operator, its resellers and what it sells."""

from __future__ import annotations

from decimal import Decimal

from domain.contracts.service import Service
from domain.demo.people import luhn, organisation_number, vat_id
from domain.demo.prices import AGENT, WHOLESALE
from domain.ids import OperatorId, ResellerId, ServiceId
from domain.operators import Address, Operator
from domain.resellers.reseller import Reseller

OWN = OperatorId(1)
RESELLER = "fjallnat"
AGENT_CODE = "sjoboden"

_ORGANISATION = organisation_number(1)

OPERATOR = Operator(
    id=OWN,
    code="lingonberg",
    name="Lingonbergs Telefon AB",
    organisation_number=_ORGANISATION,
    vat_id=vat_id(_ORGANISATION),
    address=Address(street="Telegrafgränd 4", postcode="100 46", city="Lingonvik", country="SE"),
    bankgiro=luhn("999460"),
    email="kundservice@example.com",
    phone="08-465 004 00",
    endpoint=f"0007:{_ORGANISATION}",
    payment_terms_days=30,
)

RESELLERS = (
    Reseller(id=ResellerId(1), operator=OWN, code=RESELLER, name="Fjällnät Partner AB", price_list=WHOLESALE),
    Reseller(
        id=ResellerId(2),
        operator=OWN,
        code=AGENT_CODE,
        name="Sjöbodens Tele & Data",
        parent=ResellerId(1),
        price_list=AGENT,
    ),
)


def _service(  # noqa: PLR0917  (a table of services reads best without words in every row)
    key: int, code: str, name: str, once: str, monthly: str, group: str, *, in_advance: bool = True
) -> Service:
    """Return a service with its fees as text."""
    return Service(
        id=ServiceId(key),
        operator=OWN,
        code=code,
        name=name,
        one_time_fee=Decimal(once),
        periodic_fee=Decimal(monthly),
        in_advance=in_advance,
        product_group=group,
    )


PHONE = _service(1, "TEL-PRIVAT", "Bredbandstelefoni Privat", "0", "39.20", "Abonnemang")
OFFICE = _service(2, "TEL-FORETAG", "Telefoni Företag", "249.00", "119.00", "Abonnemang")
SIP = _service(3, "SIP-TRUNK", "SIP-trunk 10 kanaler", "995.00", "495.00", "Abonnemang")
MOBILE = _service(4, "MOBIL", "Mobil växelanknytning", "0", "89.00", "Abonnemang")
VOICEMAIL = _service(5, "ROSTBREV", "Röstbrevlåda", "0", "9.60", "Tillval")
RECORDING = _service(6, "INSPELNING", "Samtalsinspelning", "0", "39.00", "Tillval")
SUPPORT = _service(7, "SUPPORT", "Driftavtal växel", "0", "149.00", "Tjänster", in_advance=False)
START = _service(8, "START", "Startavgift", "199.20", "0", "Engångsavgifter")

SERVICES = (PHONE, OFFICE, SIP, MOBILE, VOICEMAIL, RECORDING, SUPPORT, START)
