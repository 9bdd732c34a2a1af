"""PDF/A-3b (ISO 19005-3) with the e-invoice embedded as an associated file: output intent, XMP, attachment."""

from __future__ import annotations

import functools
import io
import zlib
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import pikepdf
from PIL import ImageCms

from domain.invoicing.invoice import Invoice
from integrations.einvoice.ubl import clean

UBL: Final = "invoice-ubl.xml"
_PDFA: Final = "http://www.aiim.org/pdfa/ns/id/"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The same document for machines, that a PDF carries."""

    name: str
    content: bytes


def archived(pdf: bytes, within: Embedded, invoice: Invoice) -> bytes:
    """Return the PDF as PDF/A-3b with the e-invoice inside; the same input gives the same bytes."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        title = str(document.docinfo.get("/Title", ""))
        # Of the two places for what is said of a document, PDF/A reads XMP; the other must not differ, so it goes.
        del document.trailer["/Info"]
        document.Root.Metadata = document.make_stream(
            _xmp(title, invoice).encode(), {"/Type": pikepdf.Name.Metadata, "/Subtype": pikepdf.Name.XML}
        )
        _intend(document)
        _attach(document, within, invoice)
        document.Root.Lang = pikepdf.String(invoice.language)
        out = io.BytesIO()
        # Every stream of some size is compressed as it comes; looking at all of them again takes most of the time.
        document.save(out, deterministic_id=True, min_version="1.7", compress_streams=False)
    return out.getvalue()


def _xmp(title: str, invoice: Invoice) -> str:
    """Return what is said of the document (ISO 16684-1), with PDF/A's own part and level."""
    day = f"{invoice.issued_on.isoformat()}T00:00:00+00:00"
    said, who = escape(clean(title)), escape(clean((invoice.payer if invoice.self_billed else invoice.seller).name))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="{_PDFA}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{said}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{who}</rdf:li></rdf:Seq></dc:creator>
<xmp:CreatorTool>Tollwright</xmp:CreatorTool><xmp:CreateDate>{day}</xmp:CreateDate><xmp:ModifyDate>{day}</xmp:ModifyDate>
<pdf:Producer>Tollwright</pdf:Producer><pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def _intend(document: pikepdf.Pdf) -> None:
    profile = document.make_stream(_srgb(), {"/N": 3, "/Filter": pikepdf.Name.FlateDecode})
    document.Root.OutputIntents = pikepdf.Array(
        [
            pikepdf.Dictionary(
                Type=pikepdf.Name.OutputIntent,
                S=pikepdf.Name.GTS_PDFA1,
                OutputConditionIdentifier="sRGB IEC61966-2.1",
                Info="sRGB IEC61966-2.1",
                DestOutputProfile=profile,
            )
        ]
    )


def _attach(document: pikepdf.Pdf, within: Embedded, invoice: Invoice) -> None:
    stamp = f"D:{invoice.issued_on:%Y%m%d}000000Z"
    stream = document.make_stream(
        zlib.compress(within.content),
        {
            "/Type": pikepdf.Name.EmbeddedFile,
            "/Subtype": pikepdf.Name("/text/xml"),
            "/Filter": pikepdf.Name.FlateDecode,
        },
    )
    stream.Params = pikepdf.Dictionary(Size=len(within.content), CreationDate=stamp, ModDate=stamp)
    file = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=within.name,
            UF=within.name,
            Desc=f"E-invoice {invoice.number}",
            AFRelationship=pikepdf.Name.Alternative,
            EF=pikepdf.Dictionary(F=stream, UF=stream),
        )
    )
    document.Root.AF = pikepdf.Array([file])
    names = pikepdf.Array([within.name, file])
    document.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=names))


@functools.lru_cache
def _srgb() -> bytes:
    """Return, deflated, an sRGB profile (ICC.1) whose date is always the same, so that the document's bytes are too."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes((7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # 2024-01-01
    profile[84:100] = bytes(16)  # the digest of a profile may be left out
    return zlib.compress(bytes(profile), 9)
