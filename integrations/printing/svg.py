"""SVG pictures of brands (W3C SVG 1.1) as PNG: drawn by resvg, which knows no scripts, in a process of its own.

What a picture may hold is a list: shapes, gradients, masks, filters and text. A reference leads within the picture, or
to a PNG or JPEG that stands in it; nothing is fetched, no file read, and no stylesheet brings another one. The process
has few seconds and little memory, since a small file can ask for an endless drawing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from lxml import etree

from domain.refusal import LimitExceeded, Unreadable
from integrations.einvoice.reading import parse

NAMESPACE: Final = "http://www.w3.org/2000/svg"
FONTS: Final = Path(__file__).parent / "fonts"
ELEMENTS_MAX: Final = 5_000
SECONDS: Final = 10.0
_STARTS: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|!--|!DOCTYPE\s+svg|([A-Za-z0-9_.-]+:)?svg[\s>/])", re.ASCII)
_ALLOWED: Final = frozenset(
    {
        "svg", "g", "defs", "symbol", "use", "title", "desc", "metadata", "style", "switch", "a", "view",
        "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "textPath", "image",
        "linearGradient", "radialGradient", "stop", "pattern", "clipPath", "mask", "marker", "filter",
    }
)  # fmt: skip
_WITHIN: Final = re.compile(r"#|data:image/(png|jpe?g);base64,", re.ASCII | re.IGNORECASE)
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s+svg(\s+PUBLIC\s+\"[^\"\[\]<>]*\"(\s+\"[^\"\[\]<>]*\")?)?\s*>", re.ASCII)
_URL: Final = re.compile(r"url\(\s*['\"]?\s*(?!['\"#\s])", re.IGNORECASE)


def looks_like_svg(content: bytes) -> bool:
    r"""Tell whether bytes begin as SVG does.

    >>> looks_like_svg(b'<?xml version="1.0"?><svg/>'), looks_like_svg(b"<svg:svg xmlns:svg=''/>")
    (True, True)
    >>> looks_like_svg(b"\x89PNG")
    False
    """
    return _STARTS.match(content[:200]) is not None


def drawn(content: bytes, *, side: int) -> bytes:
    """Return a picture as PNG whose longer side has so many pixels.

    Refuses with: Unreadable (not SVG, something in it that may not be, cannot be drawn), LimitExceeded.
    """
    text = checked(content)
    arguments = [sys.executable, "-P", "-m", "integrations.printing.svg_process", str(side), str(FONTS)]
    try:
        done = subprocess.run(  # noqa: S603  (our own program, whose arguments are ours)
            arguments, input=text, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(
            "the picture takes more than {most} seconds to draw; simplify it", most=int(SECONDS), field="content"
        ) from None
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        raise Unreadable("this SVG cannot be drawn; save it with shapes and texts alone", field="content")
    return done.stdout


def checked(content: bytes) -> bytes:
    """Return a picture written anew. Refuses with: Unreadable (what may not stand in it), LimitExceeded."""
    try:
        root = parse(_DOCTYPE.sub(b"", content, count=1))  # one that names the format alone says nothing
    except (Unreadable, LimitExceeded) as no:
        raise type(no)(no.message, field="content") from None
    if etree.QName(root.tag).namespace != NAMESPACE or etree.QName(root.tag).localname != "svg":
        raise Unreadable("this is not an SVG picture (its root is no svg of W3C's)", field="content")
    count = 0
    for node in list(root.iter(etree.Element)):
        count += 1
        if count > ELEMENTS_MAX:
            raise Unreadable("an SVG has at most {most} elements; simplify it", most=ELEMENTS_MAX, field="content")
        name = etree.QName(node.tag)
        if name.namespace != NAMESPACE:  # what a program keeps for itself is not drawn
            parent = node.getparent()
            if parent is not None:
                _without(parent, node)
            continue
        if name.localname not in _ALLOWED and not name.localname.startswith("fe"):
            raise Unreadable("an SVG may not hold <{name}>", name=name.localname, field="content")
        _attributes(node)
        if name.localname == "style" and _leads_out("".join(map(str, node.itertext()))):
            raise Unreadable("an SVG's stylesheet may not fetch anything", field="content")
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    return etree.tostring(root, encoding="UTF-8")


def _without(parent: etree._Element, node: etree._Element) -> None:
    if node.tail:
        before = node.getprevious()
        if before is None:
            parent.text = (parent.text or "") + node.tail
        else:
            before.tail = (before.tail or "") + node.tail
    parent.remove(node)


def _attributes(node: etree._Element) -> None:
    for name, value in node.attrib.items():
        local = etree.QName(name).localname
        text = str(value).strip()
        if local.lower().startswith("on"):
            raise Unreadable("an SVG may not hold a script ({name})", name=local, field="content")
        link = etree.QName(node.tag).localname == "a"  # where a click would lead is not drawn
        if local == "href" and not link and text and not _WITHIN.match(text):
            raise Unreadable("an SVG may not refer to anything outside of it: {what}", what=text[:80], field="content")
        if _leads_out(text):
            raise Unreadable("an SVG may not refer to anything outside of it: {what}", what=text[:80], field="content")


def _leads_out(text: str) -> bool:
    """Tell whether a style fetches something: an import, or an address that is not within.

    >>> _leads_out("fill:url(#a)"), _leads_out("fill: url( 'https://x/y.svg#a')"), _leads_out("@import 'x'")
    (False, True, True)
    """
    return bool(_URL.search(text)) or "@import" in text.lower()
