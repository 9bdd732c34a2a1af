"""What a printhouse gets: one PDF of many documents, and the same as data (XML, CSV) with counts, sums and a checksum.

The PDF has an outline entry per document and carries the CSV; each document begins on a new sheet. What a page says is
in it, so the files beside it name pages and never repeat a layout.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pikepdf
from lxml import etree

from domain.delivery.printing import BatchSums, Sheaf
from domain.invoicing.invoice import decimals_of
from integrations.einvoice.ubl import clean

NAMESPACE: Final = "urn:tollwright:print-batch:1"
COLUMNS: Final = (
    "sequence", "kind", "number", "customer_number", "name", "attention", "street", "street2", "postcode", "city",
    "country", "language", "first_page", "last_page", "pages", "sheets", "grams", "weight_class", "envelope",
    "currency", "total", "reference", "issued_on", "due_on",
)  # fmt: skip
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The three files of a batch."""

    pdf: bytes
    xml: bytes
    csv: bytes


def pages_of(pdf: bytes) -> int:
    """Return how many pages a document has."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


def bundle(name: str, seller: str, sheaves: Sequence[Sheaf], sums: BatchSums, pdfs: Sequence[bytes]) -> Bundle:
    """Return the files of a batch; the same documents give the same bytes."""
    table = as_csv(sheaves)
    pdf = merged(name, sheaves, sums, pdfs, table)
    return Bundle(pdf=pdf, xml=as_xml(name, seller, sheaves, sums, hashlib.sha256(pdf).hexdigest()), csv=table)


def merged(name: str, sheaves: Sequence[Sheaf], sums: BatchSums, pdfs: Sequence[bytes], table: bytes) -> bytes:
    """Return all documents as one PDF, blank backs where the next would not begin on a new sheet."""
    whole = pikepdf.new()
    opened = []
    for sheaf, pdf in zip(sheaves, pdfs, strict=True):
        document = pikepdf.open(io.BytesIO(pdf))
        opened.append(document)
        while len(whole.pages) + 1 < sheaf.first_page:
            whole.add_blank_page(page_size=(595.28, 841.89))
        whole.pages.extend(document.pages)
    while len(whole.pages) < sums.pages:
        whole.add_blank_page(page_size=(595.28, 841.89))
    with whole.open_outline() as outline:
        for sheaf in sheaves:
            title = f"{sheaf.sequence:05d} {sheaf.invoice.number} {sheaf.to.address.postcode} {clean(sheaf.to.name)}"
            outline.root.append(pikepdf.OutlineItem(title, sheaf.first_page - 1))
    whole.docinfo["/Title"] = name
    # Whatever day it is made, the bytes are the same.
    stamp = max((sheaf.invoice.issued_on for sheaf in sheaves), default=None)
    index = pikepdf.AttachedFileSpec(
        whole, table, filename=f"{name}.csv", mime_type="text/csv", description="Index",
        creation_date=f"D:{stamp:%Y%m%d}000000Z", mod_date=f"D:{stamp:%Y%m%d}000000Z",
    )  # fmt: skip
    whole.attachments[f"{name}.csv"] = index
    out = io.BytesIO()
    whole.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    for document in opened:
        document.close()
    return out.getvalue()


def as_csv(sheaves: Sequence[Sheaf]) -> bytes:
    """Return a row per document (RFC 4180, UTF-8); a text that a spreadsheet would run gets a ``'``."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for sheaf in sheaves:
        row = _row(sheaf)
        writer.writerow(
            [f"'{value}" if value.startswith(_STARTS_A_FORMULA) and not _number(value) else value for value in row]
        )
    return out.getvalue().encode()


def as_xml(name: str, seller: str, sheaves: Sequence[Sheaf], sums: BatchSums, checksum: str) -> bytes:
    """Return the batch with its documents, their lines and sums, for printhouses that lay out themselves."""
    root = etree.Element(f"{{{NAMESPACE}}}printBatch", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # None names the default
    head = _under(root, "head", name=name, seller=clean(seller), documents=str(sums.documents), pages=str(sums.pages))
    head.set("sheets", str(sums.sheets))
    head.set("sha256", checksum)
    for envelope, grams, count in sums.envelopes:
        _under(head, "envelopes", kind=envelope, gramsUpTo=str(grams), count=str(count))
    for currency, amount in sums.totals:
        _under(head, "total", currency=currency, amount=f"{amount:.{decimals_of(currency)}f}")
    for sheaf in sheaves:
        values = dict(zip(COLUMNS, _row(sheaf), strict=True))
        node = _under(root, "document", **{_camel(key): clean(value) for key, value in values.items() if value})
        for line in sheaf.invoice.lines:
            item = _under(node, "line", position=str(line.position), net=f"{line.net:f}", quantity=f"{line.quantity:f}")
            item.set("unit", line.unit.value)
            item.set("unitPrice", f"{line.unit_price:f}")
            item.set("vatPercent", f"{line.vat.percent:f}")
            item.text = clean(line.text)
        for each in sheaf.invoice.vat:
            vat = _under(node, "vat", category=each.treatment.category, percent=f"{each.treatment.percent:f}")
            vat.set("taxable", f"{each.taxable:f}")
            vat.set("tax", f"{each.tax:f}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _row(sheaf: Sheaf) -> list[str]:
    invoice, to = sheaf.invoice, sheaf.to
    place = to.address
    return [
        str(sheaf.sequence), invoice.kind.value, invoice.number, invoice.payer.number or "", to.name,
        to.attention or "", place.street, place.street2 or "", place.postcode, place.city, place.country,
        invoice.language, str(sheaf.first_page), str(sheaf.last_page), str(sheaf.pages), str(sheaf.sheets),
        f"{sheaf.grams:.1f}", str(sheaf.weight_class), sheaf.envelope, invoice.currency,
        f"{invoice.total:.{decimals_of(invoice.currency)}f}", invoice.payment.reference,
        invoice.issued_on.isoformat(), invoice.due_on.isoformat(),
    ]  # fmt: skip


def _under(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
