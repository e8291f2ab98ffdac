"""The colours of the marks, for eyes that see fewer: told apart, and seen on land and sea."""

from itertools import combinations

import numpy as np
import pytest

from geo import ink, symbols

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color
# vision deficiency", table 1, severity 1.0; they act on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# sRGB (IEC 61966-2-1) to XYZ, D65.
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
LEAST = 20.0  # CIE 1976 difference; some 2.3 are just noticeable side by side


def linear(colour: str) -> np.ndarray:
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: str, other: str, sight: str) -> float:
    seen = [lab(np.asarray(SIGHT[sight]) @ linear(colour)) for colour in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def form(symbol: symbols.Symbol) -> tuple:
    """What tells a sign from others without its colour."""
    gaps = sum(symbol.dash[1::2])
    line = "whole" if not symbol.dash else "dashed" if symbol.dash[0] > gaps else "dotted"
    filled = symbol.fill not in ("", symbols.PAPER)
    return (symbol.kind, symbol.shape, filled, line, symbol.hatch, symbol.arrow, symbol.over)


def pairs() -> set[tuple[str, str]]:
    """Colours of signs that have one form, so that colour alone tells them apart."""
    found = set()
    for one, other in combinations(symbols.table().values(), 2):
        if form(one) == form(other) and one.colour != other.colour:
            found.add(tuple(sorted((one.colour, other.colour))))
    return found


def test_the_simulation_is_that_of_its_source():
    for matrix in SIGHT.values():
        assert np.sum(matrix, axis=1) == pytest.approx(1, abs=2e-6), "grey stays grey"
    # Pure red and the green that a protanope takes for it, far apart for others.
    assert apart("#ff0000", "#5e4d00", "normal") > 60
    assert apart("#b00000", "#3f3600", "protanopia") < 25
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.02)


def test_there_are_signs_that_only_colour_tells_apart():
    assert (symbols.MEASURED, symbols.SOURCED) in pairs() or (
        symbols.SOURCED, symbols.MEASURED) in pairs()  # fmt: skip


@pytest.mark.parametrize("theme", ink.LOOKS)
@pytest.mark.parametrize("sight", SIGHT)
def test_signs_of_one_form_differ_in_colour_for_every_sight(theme, sight):
    tone = ink.LOOKS[theme].tone
    close = {
        (one, other): round(apart(tone(one), tone(other), sight), 1)
        for one, other in pairs()
        if apart(tone(one), tone(other), sight) < LEAST
    }
    assert not close


@pytest.mark.parametrize("sight", SIGHT)
def test_sourced_and_denied_differ_for_every_sight(sight):
    """The two layers, on the web map and in print, in the themes that have colour."""
    for theme in ("light", "dark"):
        tone = ink.LOOKS[theme].tone
        assert apart(tone(symbols.SOURCED), tone(symbols.DENIED), sight) > 60


@pytest.mark.parametrize("theme", ink.LOOKS)
@pytest.mark.parametrize("ground", ["land", "sea", "shallow", "card"])
def test_signs_stand_out_from_the_ground(theme, ground):
    """WCAG 2.2, 1.4.11: what a picture means has a contrast of 3 to 1."""
    look = ink.LOOKS[theme]
    colours = {symbol.colour for symbol in symbols.table().values()}
    faint = {c for c in colours if contrast(look.tone(c), getattr(look, ground)) < 3}
    assert not faint


@pytest.mark.parametrize("theme", ink.LOOKS)
def test_text_can_be_read(theme):
    look = ink.LOOKS[theme]
    assert contrast(look.ink, look.paper) >= 7 and contrast(look.ink, look.card) >= 7
    assert contrast(look.quiet, look.paper) >= 4.5
    for ground in (look.land, look.sea):
        assert contrast(look.quiet, ground) >= 4.5
