"""The archival form, by a validator that is not ours: Apache PDFBox Preflight (ISO 19005-1), where it is installed.

It knows PDF/A-1. What part 3 allows and part 1 does not is told as a fault, so those four are expected, and no other:
``apt-get install libpdfbox2-java libactivation-java libjaxb-api-java``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from domain.customers.customer import CallSpecification, Delivery
from domain.ids import OperatorId
from domain.invoicing.branding import Branding
from integrations.printing.documents import InvoiceDocuments
from integrations.printing.pictures import as_png
from tests.einvoice.drawn import drawn, owed
from tests.printing.test_invoice_pdf import ZONE, calls, paper
from tests.printing.test_pictures import SVG

JARS = [
    Path("/usr/share/java") / f"{name}.jar"
    for name in (
        "preflight",
        "pdfbox2",
        "fontbox2",
        "xmpbox",
        "commons-logging",
        "commons-io",
        "javax.activation",
        "jaxb-api",
    )
]
OF_PART_3 = {
    "1.2.9",  # a file is embedded
    "1.4.7",  # and named
    "2.1.6",  # the colour profile is of ICC's version 4
    "7.11.2",  # the metadata say part 3
}
pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not JARS[0].is_file(), reason="PDFBox Preflight (libpdfbox2-java) is not installed"
)


def faults(tmp_path: Path, **documents: bytes) -> dict[str, set[str]]:
    """Return the codes of what the validator finds in each document."""
    found = {}
    for name, content in documents.items():
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(content)
        told = subprocess.run(
            ["java", "-cp", ":".join(map(str, JARS)), "org.apache.pdfbox.preflight.Validator_A1b", str(path)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "PDF/A-1b" in told.stdout, told.stderr
        found[name] = set(re.findall(r"^(\d+(?:\.\d+)+)\s*:", told.stdout, re.MULTILINE))
    return found


def test_documents_are_archival(tmp_path):
    documents = InvoiceDocuments()
    logo = as_png(SVG.encode(), bytes_max=200_000)
    brand = Branding(operator=OperatorId(1), accent="#8A1538", intro={"sv": "Tack för att du är kund hos {seller}!"})
    made = {
        "calls": documents.pdf(paper(), [calls(400)], zone=ZONE),
        "branded": documents.pdf(paper(), [calls(4)], zone=ZONE, logo=logo, branding=replace(brand, logo="0" * 64)),
        "finnish": documents.pdf(replace(owed("FI"), language="fi", delivery=Delivery.FINVOICE), (), zone=ZONE),
        "danish": documents.pdf(replace(owed("DK"), language="da", delivery=Delivery.OIOUBL), (), zone=ZONE),
        "masked": documents.pdf(paper(mask_digits=4), [calls(4)], zone=ZONE),
        "without": documents.pdf(paper(call_specification=CallSpecification.NONE), (), zone=ZONE),
        "odd": documents.pdf(next(one for seed in range(99) if len((one := drawn(seed)).lines) == 40), (), zone=ZONE),
    }
    assert faults(tmp_path, **made) == dict.fromkeys(made, OF_PART_3)


def test_the_validator_finds_what_is_wrong(tmp_path):
    """A check that cannot fail is none: colours that no profile explains are told (2.4.3)."""
    whole = InvoiceDocuments().pdf(paper(), [calls(4)], zone=ZONE)
    broken = whole.replace(b"/OutputIntents", b"/OutputIntentz")
    assert "2.4.3" in faults(tmp_path, broken=broken)["broken"]
