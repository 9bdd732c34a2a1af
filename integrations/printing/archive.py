"""PDF/A-3b (ISO 19005-3) with the e-invoice embedded as an associated file: output intent, XMP, attachment."""

from __future__ import annotations

import functools
import io
from typing import Final

import pikepdf
from PIL import ImageCms

from domain.invoicing.invoice import Invoice

ATTACHMENT: Final = "invoice-ubl.xml"
_PDFA: Final = "http://www.aiim.org/pdfa/ns/id/"


def archived(pdf: bytes, ubl: bytes, invoice: Invoice) -> bytes:
    """Return the PDF as PDF/A-3b with the UBL inside; the same input gives the same bytes."""
    day = f"{invoice.issued_on.isoformat()}T00:00:00+00:00"
    with pikepdf.open(io.BytesIO(pdf)) as document:
        title = str(document.docinfo.get("/Title", ""))
        # Of the two places for what is said of a document, PDF/A reads XMP; the other must not differ, so it goes.
        del document.trailer["/Info"]
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            metadata["dc:title"] = title
            metadata["dc:creator"] = [invoice.seller.name]
            metadata["xmp:CreatorTool"] = "Tollwright"
            metadata["xmp:CreateDate"] = day
            metadata["xmp:ModifyDate"] = day
            metadata["pdf:Producer"] = "Tollwright"
            metadata[f"{{{_PDFA}}}part"] = "3"
            metadata[f"{{{_PDFA}}}conformance"] = "B"
        _intend(document)
        _attach(document, ubl, invoice)
        document.Root.Lang = pikepdf.String(invoice.language)
        out = io.BytesIO()
        document.save(out, deterministic_id=True, min_version="1.7")
    return out.getvalue()


def _intend(document: pikepdf.Pdf) -> None:
    profile = document.make_stream(_srgb(), {"/N": 3})
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


def _attach(document: pikepdf.Pdf, ubl: bytes, invoice: Invoice) -> None:
    stamp = f"D:{invoice.issued_on:%Y%m%d}000000Z"
    stream = document.make_stream(ubl, {"/Type": pikepdf.Name.EmbeddedFile, "/Subtype": pikepdf.Name("/text/xml")})
    stream.Params = pikepdf.Dictionary(Size=len(ubl), CreationDate=stamp, ModDate=stamp)
    file = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=ATTACHMENT,
            UF=ATTACHMENT,
            Desc=f"UBL {invoice.number}",
            AFRelationship=pikepdf.Name.Alternative,
            EF=pikepdf.Dictionary(F=stream, UF=stream),
        )
    )
    document.Root.AF = pikepdf.Array([file])
    document.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=pikepdf.Array([ATTACHMENT, file])))


@functools.lru_cache
def _srgb() -> bytes:
    """Return an sRGB profile (ICC.1) whose date is always the same, so that the document's bytes are too."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes((7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # 2024-01-01
    profile[84:100] = bytes(16)  # the digest of a profile may be left out
    return bytes(profile)
