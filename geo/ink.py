"""Type, signs and lines on a page, and the file made of them: PNG, SVG or PDF.

This module alone uses matplotlib. All lengths are points (1/72 inch) from the lower left corner
of the page, so that one figure serves all three formats.
"""

from __future__ import annotations

import io
import logging
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path as FilePath

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox

from geo import overlays, symbols
from geo.labels import ASCENT, LEADING, Box, Label, Spot, nearest
from geo.symbols import Symbol

PX = 0.75  # points in a CSS pixel, the unit of the table of symbols
_GENERATOR = "contested-claims"

# These settings are the library's: text stays text in PDF, with its fonts inside, a $ is a $, and
# equal plates are equal files.
mpl.rcParams.update(
    {
        "text.parse_math": False,
        "text.usetex": False,
        "text.hinting": "none",
        "svg.hashsalt": "plate",
        "pdf.fonttype": 42,
        "lines.scale_dashes": False,
    }
)
# They tell which weight or table a further font lacks, which nobody needs to know.
for _name in ("matplotlib.font_manager", "fontTools.subset"):
    logging.getLogger(_name).setLevel(logging.ERROR)
_FONTS = FilePath(__file__).parent / "fonts"
_FACES = {
    "regular": ("OpenSans-Regular.ttf", {}),
    "semibold": ("OpenSans-SemiBold.ttf", {"weight": 600}),
    "bold": ("OpenSans-Bold.ttf", {"weight": 700}),
    "italic": ("OpenSans-Italic.ttf", {"style": "italic"}),
}

_SECOND = "DejaVu Sans"  # comes with matplotlib
_LONGEST_LABEL = 48  # characters


@dataclass(frozen=True)
class Theme:
    """Colours of one look; ``tones`` replaces those of the table of symbols."""

    paper: str
    ink: str
    quiet: str
    sea: str
    shallow: str
    land: str
    shore: str
    border: str
    casing: str
    region: str
    water: str
    sea_name: str
    land_name: str
    card: str
    halo: str
    tones: dict[str, str] = field(default_factory=dict)

    def tone(self, colour: str) -> str:
        return self.tones.get(colour, colour)


def _greys(lightest: float, darkest: float, count: int) -> list[str]:
    return [f"#{round(255 * level):02x}" + f"{round(255 * level):02x}" * 2
            for level in np.linspace(lightest, darkest, count)]  # fmt: skip


LOOKS = {
    "light": Theme(
        paper="#ffffff",
        ink="#1b2733",
        quiet="#5b6771",
        sea="#d8e5ee",
        shallow="#eaf2f7",
        land="#f6f3ec",
        shore="#8fa3b1",
        border="#8d84a3",
        casing="#ffffff",
        region="#c9c0ae",
        water="#bfd3e2",
        sea_name="#49789b",
        land_name="#8f8776",
        card="#ffffff",
        halo="#ffffff",
    ),
    "dark": Theme(
        paper="#141b22",
        ink="#eef2f5",
        quiet="#a9b4bd",
        sea="#1a2733",
        shallow="#213140",
        land="#323a40",
        shore="#6d7f8c",
        border="#a89fc0",
        casing="#20272c",
        region="#59626a",
        water="#22394b",
        sea_name="#86b0d0",
        land_name="#a39c8c",
        card="#1c252d",
        halo="#20272c",
        tones={
            symbols.SOURCED: "#79bdf5",
            symbols.DENIED: "#ff9a66",
            symbols.MEASURED: "#f2f5f7",
            symbols.MUTED: "#a9b4bd",
            symbols.SPOKEN: "#c6b5f0",
            symbols.PAPER: "#141b22",
            # Context: what is most stands out most from the dark, too.
            **dict(zip(overlays.RAMP, overlays.RAMP[::-1], strict=True)),
            **dict(zip(overlays.HUES, ("#4dcb9e", "#b08577", "#b1ad43", "#dd7ad9"), strict=True)),
            overlays.QUIET: "#a4abb1",
        },
    ),
    "grey": Theme(
        paper="#ffffff",
        ink="#111111",
        quiet="#5a5a5a",
        sea="#e4e4e4",
        shallow="#eeeeee",
        land="#fafafa",
        shore="#8a8a8a",
        border="#8a8a8a",
        casing="#ffffff",
        region="#c4c4c4",
        water="#d2d2d2",
        sea_name="#6a6a6a",
        land_name="#8a8a8a",
        card="#ffffff",
        halo="#ffffff",
        tones={
            symbols.SOURCED: "#333333",
            symbols.DENIED: "#000000",
            symbols.MEASURED: "#000000",
            symbols.MUTED: "#808080",
            symbols.SPOKEN: "#4a4a4a",
            **dict(zip(overlays.RAMP, _greys(0.86, 0.34, len(overlays.RAMP)), strict=True)),
            **dict(zip(overlays.HUES, _greys(0.78, 0.4, len(overlays.HUES)), strict=True)),
            overlays.QUIET: "#8c8c8c",
        },
    ),
}


def _install_fonts() -> None:
    manager = font_manager.fontManager
    for file, _style in _FACES.values():
        manager.addfont(_FONTS / file)
        # First, so that a copy of the system, maybe of another age, is not taken instead.
        manager.ttflist.insert(0, manager.ttflist.pop())


_install_fonts()


@cache
def _signs() -> frozenset[int]:
    """What Open Sans and the font that matplotlib brings along can print, in each of our faces."""
    own, second = [], []
    for file, style in _FACES.values():
        found = font_manager.findfont(font_manager.FontProperties(family=_SECOND, **style))
        own.append(set(font_manager.get_font(_FONTS / file).get_charmap()))
        second.append(set(font_manager.get_font(found).get_charmap()))
    return frozenset(set.intersection(*own) | set.intersection(*second))


@lru_cache(maxsize=4096)
def _stand_in(sign: str) -> str:
    """The family of a font of this machine for a sign that ours lack, "" where none has it.

    Upright sans serifs come first, then what else there is. Asked only where a sign is missing.
    """
    known = [
        entry
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and not any(odd in entry.name for odd in _NO_TEXT)
    ]
    known.sort(key=lambda entry: ("Sans" not in entry.name, entry.weight != 400, entry.name))
    return next((each.name for each in known if ord(sign) in _charmap(each.fname)), "")


# Fonts whose glyphs are pictures or mere boxes.
_NO_TEXT = ("Emoji", "Color", "Last Resort", "LastResort")


@lru_cache(maxsize=1024)
def _charmap(file: str) -> frozenset[int]:
    try:
        return frozenset(font_manager.get_font(file).get_charmap())
    except (OSError, RuntimeError):  # a font that went away or cannot be read is none
        return frozenset()


def _font(text: str, face: str) -> font_manager.FontProperties:
    """The fonts for a printable text: Open Sans, then whatever has the signs that it lacks."""
    lacking = dict.fromkeys(_stand_in(c) for c in text if ord(c) not in _signs())
    return _family(face, tuple(lacking))


@cache
def _family(face: str, more: tuple[str, ...]) -> font_manager.FontProperties:
    file, style = _FACES[face]
    own = font_manager.get_font(_FONTS / file).family_name
    return font_manager.FontProperties(family=[own, _SECOND, *more], **style)


def plain(text: str) -> str:
    """Text on one line, without signs that steer what reads it (controls, direction marks)."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split(" ")).replace("\t", " ")
    spaced = "".join(" " if c in "\n\r\x0b\x0c\x85\u2028\u2029" else c for c in spaced)
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """``plain`` text with a replacement sign for every letter that no font here has."""
    text = plain(text).replace("\u202f", "\u00a0").replace("\u2011", "-")
    shown, home = [], ""
    for sign in text:
        own = "" if ord(sign) in _signs() else _stand_in(sign) or None
        if unicodedata.category(sign)[0] != "M":
            home = own or ""
        elif own != home:
            continue  # a letter and its marks are set in one font, or not at all
        shown.append("\ufffd" if own is None else sign)
    return "".join(shown)


def width_of(text: str, size: float, face: str) -> float:
    """Width of a printable text on one line, in points."""
    return size / 10 * _width_at_10(text, face)


@lru_cache(maxsize=8192)
def _width_at_10(text: str, face: str) -> float:
    # Ten points are the size of a font without one; without hinting, widths grow with the size.
    return text_to_path.get_text_width_height_descent(text, _font(text, face), ismath=False)[0]


def shortened(text: str, most: int = _LONGEST_LABEL) -> str:
    text = printable(text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def wrapped(text: str, width: float, size: float, face: str, most: int) -> list[str]:
    """The text in at most ``most`` lines no wider than ``width``, an ellipsis where it is cut."""
    lines = [""]
    for word in printable(text)[:2000].split(" "):  # a no-break space is none
        tried = f"{lines[-1]} {word}".strip()
        if width_of(tried, size, face) <= width:
            lines[-1] = tried
            continue
        while width_of(word, size, face) > width:
            cut = max(1, int(len(word) * width / width_of(word, size, face)) - 1)
            lines += [word[:cut]]
            word = word[cut:]
        lines.append(word)
    lines = [line for line in lines if line]
    if len(lines) > most:
        lines = lines[:most]
        while lines[-1] and width_of(lines[-1] + "…", size, face) > width:
            lines[-1] = lines[-1][:-1].rstrip()
        lines[-1] += "…"
    return lines


class Pen:
    """Draws on the page in points; while ``on_map``, paths end at the frame of the map.

    A pen without ink (``dry``) leaves nothing: it serves to learn what would be drawn.
    """

    def __init__(
        self,
        page: tuple[float, float],
        theme: Theme,
        frame: Box,
        size: float,
        lang: str,
        sign_scale: float = 1.0,
        dry: bool = False,
    ):
        self.theme = theme
        self.lang = lang
        self.on_map = True
        self.size = size  # factor on type
        self.unit = PX * size * sign_scale  # of signs: points in a pixel of the table of symbols
        self.frame = frame
        self._z = 0.0
        self._dry = dry
        if dry:
            return
        width, height = page
        self.figure = Figure(figsize=(width / 72, height / 72), facecolor=theme.paper)
        self._axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        self._axes.set_axis_off()
        left, bottom, right, top = frame
        clip = Bbox.from_extents(left, bottom, right, top)
        self._clip = TransformedBbox(clip, self._axes.transData)

    def _add(self, artist, clipped: bool = False) -> None:
        self._z += 1
        artist.set_zorder(self._z)
        self._axes.add_artist(artist)
        if clipped:
            artist.set_clip_box(self._clip)

    def path(
        self,
        path: Path,
        *,
        fill: str = "none",
        stroke: str = "none",
        width: float = 0.0,
        dash: Sequence[float] = (),
        alpha: float | None = None,
    ) -> None:
        if self._dry or len(path.vertices) == 0:
            return
        style = (0, tuple(dash)) if dash else "solid"
        patch = PathPatch(
            path, facecolor=fill, edgecolor=stroke, linewidth=width, linestyle=style, alpha=alpha
        )
        patch.set_joinstyle("round")
        patch.set_capstyle("butt")
        self._add(patch, self.on_map)

    def line(self, points: Sequence[tuple[float, float]], **style) -> None:
        """A line through points; ``style`` is that of ``path``."""
        self.path(Path(points), **style)

    def dot(self, x: float, y: float, r: float, **style) -> None:
        """A disc; ``style`` is that of ``path``."""
        self.path(placed(Path.circle(), x, y, r), **style)

    def box(self, box: Box, *, fill="none", stroke="none", width=0.0, round_by=0.0, alpha=None):
        if self._dry:
            return
        left, bottom, right, top = box
        patch = FancyBboxPatch(
            (left + round_by, bottom + round_by),
            right - left - 2 * round_by,
            top - bottom - 2 * round_by,
            boxstyle=f"round,pad={round_by}" if round_by else "square,pad=0",
            facecolor=fill,
            edgecolor=stroke,
            linewidth=width,
            alpha=alpha,
        )
        self._add(patch)

    def text(
        self,
        x: float,
        y: float,
        line: str,
        size: float,
        face: str = "regular",
        colour: str = "",
        *,
        align: str = "left",
        angle_deg: float = 0.0,
        halo: float = 0.0,
    ) -> None:
        """One line of text with its baseline at x, y; ``halo`` is how far it is cleared round."""
        if self._dry or not line:
            return
        if halo:
            # As a path of its own: with matplotlib's path effects the text would become paths.
            shift = width_of(line, size, face) * {"left": 0, "center": 0.5, "right": 1}[align]
            outline = TextPath((-shift, 0), line, size=size, prop=_font(line, face))
            turn = Affine2D().rotate_deg(angle_deg).translate(x, y)
            path = turn.transform_path(outline)
            self.path(path, stroke=self.theme.halo, width=2 * halo, alpha=0.85)
        text = Text(
            x,
            y,
            line,
            fontproperties=_font(line, face),
            fontsize=size,
            color=colour or self.theme.ink,
            ha=align,
            va="baseline",
            rotation=angle_deg,
            rotation_mode="anchor",
            parse_math=False,
        )
        self._add(text)

    def label(self, label: Label, spot: Spot) -> None:
        """A placed label, centred on its spot, line by line."""
        if spot.leader is not None:
            ends = np.array([spot.leader, nearest(label.boxes(spot)[0], spot.leader)])
            self.path(Path(ends), stroke=self.theme.halo, width=2.2, alpha=0.85)
            self.path(Path(ends), stroke=self.theme.quiet, width=0.6)
        _w, height = label.extent
        turn = math.radians(spot.angle_deg)
        for number, line in enumerate(label.lines):
            down = -height / 2 + label.size * (ASCENT + LEADING * number)
            x, y = spot.x + down * math.sin(turn), spot.y - down * math.cos(turn)
            self.text(
                x,
                y,
                line,
                label.size,
                label.face,
                label.colour,
                align="center",
                angle_deg=spot.angle_deg,
                halo=1.3 * self.size,
            )

    # signs

    def sign(self, symbol: Symbol, x: float, y: float, *, struck: bool = False, scale=1.0):
        """A point's sign; ``struck`` for a claim that was taken back, whatever the colour."""
        unit = self.unit * scale
        r = symbol.size / 2 * unit
        tone = self.theme.tone
        path = Affine2D().scale(r).translate(x, y).transform_path(_SHAPES[symbol.shape])
        if symbol.fill or symbol.shape == "ring":
            wide = (symbol.width + 2.6) * unit
            self.path(path, stroke=self.theme.halo, width=wide, alpha=0.9)
        self.path(
            path,
            fill=tone(symbol.fill) if symbol.fill else "none",
            stroke=tone(symbol.colour),
            width=symbol.width * unit * 0.9,
            dash=[d * unit for d in symbol.dash],
        )
        if symbol.over:
            self.crossed(symbol, x, y, r, 0.0, unit)
        if struck:
            self.strike(x, y, 1.5 * r, unit, symbol.colour)

    def strike(self, x: float, y: float, reach: float, unit: float, colour: str) -> None:
        path = Path([(x - reach, y), (x + reach, y)])
        self.path(path, stroke=self.theme.halo, width=4.2 * unit, alpha=0.9)
        self.path(path, stroke=self.theme.tone(colour), width=1.8 * unit)

    def crossed(self, symbol: Symbol, x, y, r, angle: float, unit: float) -> None:
        """A bar (denied by implication) or a cross (denied by name) through a point."""
        reach = 0.68 * r
        strokes = ((1, 1), (1, -1)) if symbol.over == "cross" else ((1, 1),)
        lines = [[(-reach * a, -reach * b), (reach * a, reach * b)] for a, b in strokes]
        codes = [Path.MOVETO, Path.LINETO] * len(strokes)
        path = Path(np.concatenate(lines), codes)
        path = Affine2D().rotate(angle).translate(x, y).transform_path(path)
        self.path(path, stroke=self.theme.halo, width=(symbol.width + 1.6) * unit, alpha=0.9)
        self.path(path, stroke=self.theme.tone(symbol.colour), width=symbol.width * unit)

    def arrowhead(self, x: float, y: float, angle: float, colour: str) -> None:
        unit = self.unit
        path = Path([(9, 0), (-7, 7), (-4, 0), (-7, -7), (9, 0)], closed=True)
        path = Affine2D().scale(unit).rotate(angle).translate(x, y).transform_path(path)
        self.path(path, stroke=self.theme.halo, width=2.2 * unit, alpha=0.9)
        self.path(path, fill=self.theme.tone(colour))


def label(
    lines: tuple[str, ...], size: float, face: str, colour: str, rank: float = 0.0, dot=None
) -> Label:
    """A label of printable lines, measured, as yet without positions."""
    width = max(width_of(line, size, face) for line in lines)
    return Label(lines, size, face, colour, width, (), rank, dot)


def placed(path: Path, x: float, y: float, scale: float = 1.0, turn: float = 0.0) -> Path:
    """A path round the origin made larger, turned (radians) and put at x, y."""
    return Affine2D().scale(scale).rotate(turn).translate(x, y).transform_path(path)


def repeated(path: Path, xy: np.ndarray, scale: float) -> Path:
    """A closed path round the origin, made larger and put at each of many points, as one path."""
    vertices = (xy[:, None, :] + path.vertices[None, :, :] * scale).reshape(-1, 2)
    return Path(vertices.round(2), np.tile(path.codes, len(xy)))


def as_path(shapes) -> Path:
    """Lines or polygons on the page as one path; holes stay holes."""
    shapes = shapely.get_parts(np.atleast_1d(np.asarray(shapes, dtype=object)))
    shapes = shapes[~shapely.is_empty(shapes)]
    if len(shapes) == 0:
        return Path(np.zeros((0, 2)))
    closed = shapely.get_type_id(shapes[0]) == 3
    rings = shapely.get_rings(shapely.orient_polygons(shapes)) if closed else shapes
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, dtype=Path.code_type)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[starts] = Path.MOVETO
    if closed:
        codes[np.append(starts[1:], len(xy)) - 1] = Path.CLOSEPOLY
    # A hundredth of a point is finer than any printer, and an SVG half the size.
    return Path(xy.round(2), codes)


def _regular(corners: int, r: float, dy: float = 0.0) -> Path:
    turn = math.pi / 2 + np.arange(corners + 1) * 2 * math.pi / corners
    return Path(np.column_stack([r * np.cos(turn), r * np.sin(turn) + dy]), closed=True)


def _closed(*points: tuple[float, float]) -> Path:
    return Path([*points, points[0]], closed=True)


SQUARE = _closed((-1, -1), (1, -1), (1, 1), (-1, 1))
_A = 0.42
# Signs of the table of symbols on a circle of radius 1, as the web map draws them.
_SHAPES = {
    "circle": Path.circle(),
    "ring": Path.circle(),
    "square": _closed((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)),
    "diamond": _regular(4, 1.15),
    "triangle": _regular(3, 1.25, -0.15),
    "pentagon": _regular(5, 1.1),
    "flag": Path(
        [(-0.75, -1.1), (-0.75, 1), (1, 0.45), (-0.75, -0.15)],
        [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO],
    ),
    "saltire": _closed(
        *((-1, 1 - _A), (-1 + _A, 1), (0, _A), (1 - _A, 1), (1, 1 - _A), (_A, 0)),
        *((1, -1 + _A), (1 - _A, -1), (0, -_A), (-1 + _A, -1), (-1, -1 + _A), (-_A, 0)),
    ),
    "bubble": _closed(
        *((-1, 0.9), (1, 0.9), (1, -0.45), (-0.1, -0.45), (-0.6, -1.1), (-0.6, -0.45)),
        (-1, -0.45),
    ),
}


class _Svg(RendererSVG):
    """SVG whose letters look the same everywhere: drawn as outlines, the text unseen over them.

    Few programs but browsers read fonts inside an SVG, so its letters are shapes; the text can
    still be searched, marked and read aloud, as wide as its outlines whatever font it falls on.
    """

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        self._draw_text_as_path(gc, x, y, s, prop, angle, ismath, mtext)
        width = text_to_path.get_text_width_height_descent(s, prop, ismath=False)[0]
        weight = font_manager.weight_dict.get(prop.get_weight(), prop.get_weight())
        size = prop.get_size_in_points()
        font = f"{prop.get_style()} {weight} {size:.4g}px '{prop.get_family()[0]}', sans-serif"
        turn = f" rotate({-angle:.6g})" if angle else ""
        self.writer.element(
            "text",
            s,
            {
                "style": f"font: {font}; fill-opacity: 0; white-space: pre",
                "transform": f"translate({x:.6g} {y:.6g}){turn}",
                "textLength": f"{width:.5g}",
                "lengthAdjust": "spacingAndGlyphs",
            },
        )


def encode(pen: Pen, facts: dict[str, str], fmt: str, dpi: float) -> bytes:
    """The page as a file, with ``facts`` inside: title, description and whatever else they hold."""
    figure = pen.figure
    file = io.BytesIO()
    rest = {key: text for key, text in facts.items() if key not in ("title", "description")}
    if fmt == "png":
        figure.set_dpi(dpi)
        chunks = {"Title": facts["title"], "Description": facts["description"]}
        chunks |= {"Software": _GENERATOR, **rest}
        # Level 3 takes a third of the time of the default, for a tenth more bytes.
        FigureCanvasAgg(figure).print_png(
            file, metadata=chunks, pil_kwargs={"compress_level": 3, "dpi": (dpi, dpi)}
        )
        return file.getvalue()
    pairs = [f"{key}: {text}" for key, text in rest.items() if text]
    figure.set_dpi(72)
    if fmt == "pdf":
        about = {
            "Title": facts["title"],
            "Subject": facts["description"],
            "Keywords": "; ".join(pairs),
            "Creator": _GENERATOR,
            "CreationDate": None,
        }
        FigureCanvasPdf(figure).print_pdf(file, metadata=about)
        return file.getvalue()
    about = {
        "Title": facts["title"],
        "Description": facts["description"],
        "Keywords": pairs,
        "Language": pen.lang,
        "Creator": _GENERATOR,
        "Date": None,
    }
    width, height = figure.get_size_inches() * 72
    written = io.StringIO()
    renderer = _Svg(width, height, written, metadata=about)
    renderer.writer.element("desc", facts.get("alt", ""))
    figure.draw(renderer)
    renderer.finalize()
    spoken = written.getvalue().replace("<svg ", f'<svg xml:lang="{pen.lang}" ', 1)
    return spoken.encode("utf-8")
