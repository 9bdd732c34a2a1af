"""JPEG and SVG become PNG within bounds; what only looks like a picture does not."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from domain.refusal import Unreadable
from integrations.printing import pictures
from integrations.printing.pictures import as_png


def jpeg(width: int, height: int, *, noise: bool = False) -> bytes:
    picture = Image.new("RGB", (width, height), (10, 85, 102))
    if noise:
        draw = random.Random(1)
        picture = Image.frombytes("RGB", (width, height), draw.randbytes(width * height * 3))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.mark.parametrize(("size", "noise"), [((300, 100), False), ((1600, 400), False), ((900, 900), True)])
def test_a_jpeg_becomes_a_png_that_fits(size, noise):
    made = as_png(jpeg(*size, noise=noise), bytes_max=200_000)
    assert made.startswith(b"\x89PNG")
    assert len(made) <= 200_000
    with Image.open(io.BytesIO(made)) as picture:
        assert max(picture.size) <= 800
        assert picture.width / picture.height == pytest.approx(size[0] / size[1], rel=0.02)


def test_other_bytes_stay_as_they_are():
    assert as_png(b"plain", bytes_max=10) == b"plain"


def test_a_damaged_or_too_large_one_is_refused(monkeypatch):
    with pytest.raises(Unreadable, match="damaged"):
        as_png(jpeg(300, 100)[:200], bytes_max=200_000)
    monkeypatch.setattr(pictures, "PIXELS_MAX", 100)
    with pytest.raises(Unreadable, match="pixels"):
        as_png(jpeg(300, 100), bytes_max=200_000)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 65_000])
def test_one_whose_head_promises_too_much_is_refused(side):
    made = bytearray(jpeg(300, 100))
    place = made.index(b"\xff\xc0") + 5  # of the frame's head: height, width
    made[place : place + 4] = side.to_bytes(2) * 2
    with pytest.raises(Unreadable, match="pixels"):
        as_png(bytes(made), bytes_max=200_000)


SVG = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="urn:inkscape" viewBox="0 0 200 60"><i:view zoom="2"/><defs>
<linearGradient id="g"><stop offset="0" stop-color="#036"/><stop offset="1" stop-color="#8A1538"/>
</linearGradient></defs><rect width="200" height="60" rx="8" fill="url(#g)"/>
<text x="10" y="40" font-size="28" fill="white">Norrtel å</text></svg>"""


def test_an_svg_becomes_a_png_that_shows_what_it_draws():
    made = as_png(SVG.encode(), bytes_max=200_000)
    with Image.open(io.BytesIO(made)) as picture:
        assert picture.size == (800, 240)
        left, right = (picture.convert("RGB").getpixel((x, 20)) for x in (40, 760))
        data = picture.convert("RGBA").tobytes()
    white = [data[place : place + 4] for place in range(0, len(data), 4)].count(b"\xff\xff\xff\xff")
    assert left[2] > left[0], "blue at the left"
    assert right[0] > right[2], "red at the right"
    assert white > 500, "its letters are drawn"
    assert made == as_png(SVG.encode(), bytes_max=200_000)


def test_a_tall_svg_fits():
    with Image.open(io.BytesIO(as_png(SVG.replace("200 60", "60 200").encode(), bytes_max=200_000))) as picture:
        assert picture.size == (240, 800)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("<rect", "<script>alert(1)</script><rect", "<script>"),
        ("<rect", "<foreignObject/><rect", "<foreignObject>"),
        ("<rect", '<rect onload="alert(1)"', "onload"),
        ("url(#g)", "url(http://example.com/#g)", "outside"),
        ("<rect", '<image href="file:///etc/passwd"/><rect', "outside"),
        ("<rect", '<image xmlns:x="http://www.w3.org/1999/xlink" x:href="/etc/passwd"/><rect', "outside"),
        ("<rect", '<image href="data:image/svg+xml;base64,AAAA"/><rect', "outside"),
        ("<rect", '<filter id="f"><feImage href="https://example.com/a.png"/></filter><rect', "outside"),
        ("<rect", "<style>@import url('https://example.com/a.css');</style><rect", "fetch"),
        ("<rect", "<style>rect {fill: url(https://example.com/a)}</style><rect", "fetch"),
        ("</svg>", "</svg", "not well-formed"),
        ('xmlns="http://www.w3.org/2000/svg"', 'xmlns="urn:x"', "root"),
        (" PUBLIC", ' [<!ENTITY e SYSTEM "file:///etc/passwd">] PUBLIC', "well-formed"),
        ("<rect", "<rect width='1' height='1'/>" * 6_000 + "<rect", "elements"),
    ],
)
def test_an_svg_that_does_more_than_draw_is_refused(old, new, why):
    with pytest.raises(Unreadable) as no:
        as_png(SVG.replace(old, new, 1).encode(), bytes_max=200_000)
    assert why in no.value.message
    assert no.value.field == "content"


def test_a_small_svg_that_draws_without_end_is_given_up():
    tens = [f'<use href="#a{n}"/>' * 10 for n in range(10)]
    levels = "".join(f'<g id="a{n}">{uses}</g>' for n, uses in enumerate(tens, 1))
    endless = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><g id="a0"><rect width="1" height="1"/></g>'
        f'{levels}</defs><use href="#a10"/></svg>'
    )
    with pytest.raises(Unreadable, match=r"cannot be drawn|seconds"):
        as_png(endless.encode(), bytes_max=200_000)
