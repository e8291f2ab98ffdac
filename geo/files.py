"""Every file that a selection can become: one table, for the command line and the Export page.

What draws or writes a file is imported when one is made: it may take a second, and most runs of
the command line need none of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from geo import exports, texts
from geo.dataset import Dataset, View
from geo.overlays import OPACITY, Styled
from geo.selection import Selection

Bounds = tuple[float, float, float, float]
KINDS = ("picture", "data", "document")
_PREVIEW_PX = 1200  # the longer side


@dataclass(frozen=True)
class Picture:
    """How a map is drawn: page in mm, theme, dots an inch (for PNG), and its bounds.

    ``bounds`` is west, south, east, north in degrees; None for the selection's view.
    """

    size_mm: tuple[float, float] = (297, 210)
    theme: str = "light"
    dpi: float = 300
    bounds: Bounds | None = None


# What makes the bytes of a file; the last argument are layers of context, from below.
Writer = Callable[[Dataset, Selection, Picture, Sequence[Styled]], bytes]


@dataclass(frozen=True)
class Format:
    """One kind of file.

    ``name`` tells it from the others (two formats may share a suffix), ``kind`` is one of
    ``KINDS``, ``command`` the word of the command line, ``write`` what makes the bytes: call
    ``make`` instead, which checks what is asked.
    """

    name: str
    suffix: str
    media_type: str
    kind: str
    command: str
    write: Writer
    ending: str = ""  # of the file name, before the suffix

    @property
    def has_map(self) -> bool:
        """Whether layers of context are drawn in it; files of data hold claims alone."""
        return self.kind != "data"

    @property
    def is_text(self) -> bool:
        """Whether a reader of texts (UTF-8) can look into the file."""
        return self.suffix in (".geojson", ".kml", ".csv", ".jsonld", ".svg")


class FileError(ValueError):
    """A file that cannot be made as asked: words for the one who asked, in their language.

    ``of_options`` tells whether the options of a picture are at fault, or else the selection or
    the dataset, which leave nothing to write.
    """

    def __init__(self, words: str, *, of_options: bool = False):
        super().__init__(words)
        self.of_options = of_options


def _plate(fmt: str) -> Writer:
    def write(whole, chosen, picture: Picture, context) -> bytes:
        from geo import plate

        return plate.snapshot(
            whole,
            chosen,
            fmt=fmt,
            bounds=picture.bounds,
            size_mm=picture.size_mm,
            dpi=picture.dpi,
            theme=picture.theme,
            context=context,
        )

    return write


def _data(suffix: str) -> Writer:
    return lambda whole, chosen, _picture, _context: exports.WRITERS[suffix](whole, chosen)


def _document(writer: str) -> Writer:
    def write(whole, chosen, _picture, context) -> bytes:
        from geo import paper, plate, report

        def draw(part, chosen, fmt, size_mm) -> tuple[bytes, str]:
            content = plate.snapshot(part, chosen, fmt=fmt, size_mm=size_mm, context=context)
            return content, plate.alt_text(part, chosen, context)

        try:
            # The maps of a handout name their layers themselves.
            named = () if writer == "handout" else (context,)
            return getattr(report, writer)(whole, chosen, draw, *named)
        except paper.NoBriefingError as error:
            raise FileError(str(error)) from error

    return write


def _page(whole, chosen, _picture, context) -> bytes:
    from geo import standalone

    return standalone.to_html(whole, chosen, context)


_MEDIA_TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".jsonld": "application/ld+json",
    ".html": "text/html",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        *(
            Format(s[1:], s, _MEDIA_TYPES[s], "picture", "snapshot", _plate(s[1:]))
            for s in (".png", ".svg", ".pdf")
        ),
        *(Format(s[1:], s, _MEDIA_TYPES[s], "data", "export", _data(s)) for s in exports.WRITERS),
        Format("html", ".html", _MEDIA_TYPES[".html"], "document", "export", _page),
        *(
            Format(name, suffix, _MEDIA_TYPES[suffix], "document", command, _document(writer), end)
            for name, suffix, command, writer, end in (
                ("report-docx", ".docx", "report", "to_docx", "_report"),
                ("report-pdf", ".pdf", "report", "to_pdf", "_report"),
                ("handout", ".pdf", "handout", "handout", "_handout"),
            )
        ),
    )
}


def by_kind(kind: str) -> tuple[Format, ...]:
    """The formats of one of ``KINDS``."""
    return tuple(form for form in FORMATS.values() if form.kind == kind)


def by_suffix(command: str) -> dict[str, Format]:
    """The formats of one word of the command line, by suffix (``.png``)."""
    return {form.suffix: form for form in FORMATS.values() if form.command == command}


def words(lang: str) -> dict[str, tuple[str, str]]:
    """Title of each format and what it is good for, by its name."""
    _ = texts.translator(lang)
    return {
        "png": (_("PNG picture"), _("For slides, word processors and the web.")),
        "svg": (_("SVG drawing"), _("For drawing programs and the web; sharp at any size.")),
        "pdf": (_("PDF map"), _("For print; sharp at any size, its text can be searched.")),
        "geojson": (
            _("GeoJSON"),
            _("What is drawn, with who says so and who denies it: for QGIS, web maps, scripts."),
        ),
        "gpkg": (
            _("GeoPackage"),
            _("What is drawn and the tables behind it, in one file: for QGIS and ArcGIS."),
        ),
        "kml": (_("KML"), _("What is drawn: for Google Earth and other globes.")),
        "csv": (
            _("CSV table"),
            _("A row for each statement, who says what of which claim: for spreadsheets."),
        ),
        "zip": (
            _("Data package"),
            _("The tables that the selection keeps, to be opened again in this dashboard."),
        ),
        "jsonld": (_("JSON-LD"), _("Claims and statements as linked data: for archives.")),
        "html": (_("Web page"), _("The map in one file: opens in any browser, also offline.")),
        "report-docx": (_("Report, Word"), _("Map, claims and their evidence, to be edited.")),
        "report-pdf": (_("Report, PDF"), _("Map, claims and their evidence, to be printed.")),
        "handout": (
            _("Briefing handout, PDF"),
            _("The steps of the briefing with their maps, to be handed out."),
        ),
    }


def sizes() -> dict[str, tuple[float, float]]:
    """The pages that have a name: width and height in mm."""
    from geo import plate

    return plate.SIZES


def size_words(lang: str) -> dict[str, str]:
    """Those pages in words, by name."""
    _ = texts.translator(lang)
    return {
        "a4-landscape": _("A4, landscape"),
        "a4-portrait": _("A4, portrait"),
        "a3-landscape": _("A3, landscape"),
        "a3-portrait": _("A3, portrait"),
        "slide-16-9": _("Slide, 16:9"),
        "square": _("Square"),
    }


def colour_words(lang: str) -> dict[str, str]:
    """The themes of a picture in words."""
    _ = texts.translator(lang)
    return {
        "light": _("Light"),
        "dark": _("Dark"),
        "grey": _("Greyscale"),
    }


def edges(text: str) -> Bounds | None:
    """The four numbers of a text such as ``126,39,135.5,44.6``; None where it has others."""
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        return None
    # Not a number is in no range.
    known = all(-720 <= lon <= 720 for lon in (west, east))
    known &= all(-90 <= lat <= 90 for lat in (south, north))
    return (west, south, east, north) if known else None


def bounds(text: str, lang: str = texts.DEFAULT_LANG) -> Bounds:
    """West, south, east, north in degrees from a text such as ``126,39,135.5,44.6``.

    East may lie beyond 180, over the antimeridian. Raises FileError for what is no box.
    """
    box = edges(text)
    if box and box[0] < box[2] <= box[0] + 360 and -360 <= box[0] <= 360 and box[1] < box[3]:
        return box
    _ = texts.translator(lang)
    raise FileError(
        _(
            "These bounds are no box: west lies before east, south before north, in degrees, "
            "as in {example}."
        ).format(example="126,39,135.5,44.6"),
        of_options=True,
    )


def make(
    form: Format,
    whole: Dataset,
    chosen: Selection,
    picture: Picture | None = None,
    context: Sequence[Styled] = (),
) -> bytes:
    """The file that a selection of ``whole`` becomes.

    ``picture`` counts for pictures alone. ``context``: the reader's own layers, from below, drawn
    under the claims of any map and named in the file; files of data are without them. The same
    selection and options give the same bytes of a picture or of data. Raises FileError for what
    the one who asked can mend.
    """
    try:
        return form.write(whole, chosen, picture or Picture(), context)
    except FileError:
        raise
    except ValueError as error:
        if form.kind != "picture":
            raise
        _ = texts.translator(chosen.lang)
        told = _("This picture cannot be made: {why}").format(why=error)
        raise FileError(told, of_options=True) from error


def preview(
    whole: Dataset, chosen: Selection, picture: Picture, context: Sequence[Styled] = ()
) -> bytes:
    """The same map as a small PNG; the type and everything else in proportion."""
    dpi = max(50.0, _PREVIEW_PX / (max(picture.size_mm) / 25.4))
    return make(FORMATS["png"], whole, chosen, replace(picture, dpi=dpi), context)


def alt_text(
    whole: Dataset, chosen: Selection, picture: Picture, context: Sequence[Styled] = ()
) -> str:
    """What the picture of a selection shows, in words (plain text)."""
    from geo import plate

    if picture.bounds is not None:
        typed = View("detail", "", "", picture.bounds)
        whole = replace(whole, views=(*whole.views, typed))
        chosen = replace(chosen, view=typed.name)
    return plate.alt_text(whole, chosen, context)


def pixels(picture: Picture) -> tuple[int, int]:
    """Width and height in dots of a picture as PNG."""
    width, height = (int(side / 25.4 * picture.dpi + 1e-6) for side in picture.size_mm)
    return width, height


def measures(form: Format, picture: Picture, lang: str) -> str:
    """How large a picture is, such as ``297 × 210 mm, 3,507 × 2,480 dots``."""
    _ = texts.translator(lang)
    sides = [round(side, 1) for side in picture.size_mm]
    width, height = (texts.number(side, lang, int(side != int(side))) for side in sides)
    told = f"{width} × {height} mm"
    if form.suffix != ".png":
        return told
    wide, tall = (texts.number(side, lang) for side in pixels(picture))
    return _("{size}, {wide} × {tall} dots").format(size=told, wide=wide, tall=tall)


def file_name(form: Format, whole: Dataset, chosen: Selection, picture: Picture) -> str:
    """A name for the file, good on any system."""
    if form.kind == "picture" and picture.bounds is not None:
        chosen = replace(chosen, view="detail")
    return exports.file_name(whole, chosen, form.ending + form.suffix)


def size_of(content: bytes, lang: str) -> str:
    """The size of a file in words, such as ``2.2 MB``."""
    from babel.units import format_unit

    large = len(content) >= 1e6
    amount = texts.number(len(content) / (1e6 if large else 1e3), lang, int(large))
    unit = "megabyte" if large else "kilobyte"
    return format_unit(amount, unit, length="short", locale=lang).replace(" ", "\u00a0")


def command_line(
    form: Format,
    whole: Dataset,
    chosen: Selection,
    picture: Picture,
    named: Sequence[str] = (),
    context: Sequence[Styled] = (),
) -> str:
    """The command that makes the same file, for a POSIX shell; what is at its default left out.

    ``named``: the arguments that name the dataset. Layers of ``context`` are named by their files,
    as they are called where they came from.
    """
    said = ["python", "-m", "geo", form.command, *named]
    said += ["-o", file_name(form, whole, chosen, picture)]
    if form.kind == "picture":
        default = Picture()
        if picture.size_mm != default.size_mm:
            names = {size: name for name, size in sizes().items()}
            width, height = picture.size_mm
            named = names.get(picture.size_mm)
            said += ["--size", named] if named else ["--size-mm", f"{width:g},{height:g}"]
        if picture.theme != default.theme:
            said += ["--colours", picture.theme]
        if picture.dpi != default.dpi and form.suffix == ".png":
            said += ["--dpi", f"{picture.dpi:g}"]
        if picture.bounds is not None:
            said += ["--view", ",".join(f"{edge:.10g}" for edge in picture.bounds)]
    for layer in context if form.has_map else ():
        overlay = layer.overlay
        named = [overlay.layer if len(overlay.layers) > 1 else "", layer.field or ""]
        said += ["--overlay", ":".join([overlay.name, *filter(None, named)])]
        if layer.attribution.strip() != overlay.attribution:
            said += ["--overlay-source", layer.attribution.strip()]
        if layer.opacity != OPACITY:
            said += ["--overlay-opacity", f"{layer.opacity:g}"]
    query = chosen.query_string()
    said += ["--url", f"?{query}"] if query else []
    return shlex.join(said)
