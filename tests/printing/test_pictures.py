"""JPEG becomes PNG within bounds; what only looks like a picture does not."""

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
    assert as_png(b"<svg/>", bytes_max=10) == b"<svg/>"


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
