"""The briefing paper, as DOCX and PDF, and the handout: what a selection shows, laid out.

What they say is ``paper``'s; two writers lay that out, in the order it has. The handout has a page
for each step of the dataset's briefing. The pictures are handed in by the caller.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from geo import basemap, paper, selection, texts
from geo.dataset import Dataset
from geo.overlays import Styled
from geo.paper import (
    About,
    Caption,
    Cell,
    Figure,
    Heading,
    Line,
    Prose,
    Run,
    Table,
    Tally,
    plain,
)
from geo.selection import Selection
from geo.symbols import DENIED, MUTED, SOURCED

# draw(dataset, chosen, format, (width, height in mm)) -> the picture's bytes and its text in words.
# The picture shows the selection's view; the formats asked for are "png" and "svg".
Picture = Callable[[Dataset, Selection, str, tuple[float, float]], tuple[bytes, str]]

_HERE = Path(__file__).parent
_HANDOUT_MAP_MM = (184.0, 176.0)
_INK, _QUIET, _RULE = "#1b2733", "#55616b", "#d3d9de"
_SIGNS = {"sourced": "●", "contested": "◐", "denied": "⊘", "withdrawn": "○", "declined": "◌"}
_TONES = {
    "sourced": SOURCED,
    "contested": DENIED,
    "denied": DENIED,
    "withdrawn": MUTED,
    "declined": MUTED,
}
# A row with more lines than these may break over two pages: kept whole it might not fit on one.
_MOST_LINES_KEPT_TOGETHER = 40
_LETTERS_A_LINE = 90  # of a table as wide as the page, about
_LONGEST_TITLE = 240  # characters of the title that fit above the paper; its metadata have all


# Words that no column holds, and shorter ones with signs as in an address or of wide signs.
_LONG_WORD = re.compile(
    r"\S{20,}|(?=\S*[/\\\\<>=&@_{}\[\]%$#~|^`])\S{14,}|(?=(?:[^\s\ufffd]*\ufffd){4})\S+"
)
_PIECE, _WIDE = 10, 3  # letters between two places to break; for how many a replacement sign counts
_PICTURE_WORDS = re.compile(r">[^<>]*</text>")
_UNSEEN = {"title", "subject", "keywords", "author", "alt", "anchor", "file"}


def _font_folders() -> list[Path]:
    """Ours, and the one with the second font of the plates, which matplotlib brings along."""
    (home,) = find_spec("matplotlib").submodule_search_locations
    return [_HERE / "fonts", Path(home) / "mpl-data" / "fonts" / "ttf"]


@cache
def _letters() -> frozenset[int]:
    """The code points that can be set in PDF, in each weight that is used."""
    from fontTools.ttLib import TTFont

    def covered(file: Path) -> set[int]:
        with TTFont(file, lazy=True) as font:
            return set(font.getBestCmap())

    own, second = _font_folders()
    fallback = [covered(second / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return frozenset(covered(own / "OpenSans-Regular.ttf") | set.intersection(*fallback))


def _printable(text: str) -> str:
    """Plain text with a replacement sign for each letter that the fonts lack."""
    text = plain(text).replace("\u202f", "\u00a0").replace("\u2011", "-")
    return "".join(c if ord(c) in _letters() else "\ufffd" for c in text)


def _breakable(text: str) -> str:
    """The same text with places to break in words that are too long for a column."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(_pieces(word.group())), text)


def _pieces(word: str) -> list[str]:
    """A word in pieces of few letters; each letter keeps its marks, which alone are none."""
    pieces, room = [""], _PIECE
    for sign in word:
        takes = 0 if _is_mark(sign) else _WIDE if sign == "\ufffd" else 1
        if takes > room:
            pieces.append("")
            room = _PIECE
        pieces[-1] += sign
        room -= takes
    return pieces


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign)[0] == "M"


def _without_marks(svg: bytes) -> bytes:
    """A picture whose unseen words have no combining marks, which its outlines have.

    The typesetter fails on them: it cannot tell what such a glyph of a picture means.
    """
    return _PICTURE_WORDS.sub(
        lambda words: "".join(c for c in words.group() if not _is_mark(c)), svg.decode()
    ).encode()


# ---- PDF --------------------------------------------------------------------------------------


def to_pdf(
    dataset: Dataset, chosen: Selection, draw: Picture, context: Sequence[Styled] = ()
) -> bytes:
    """The briefing paper as tagged PDF (PDF/UA-1, and PDF/A-2a where there is an as-of day).

    Its fonts are embedded. A letter that they lack is printed as a replacement sign, and the paper
    says so. The layers of ``context``, which ``draw`` draws, are named. Equal arguments give equal
    bytes.
    """
    made = paper.compose(dataset, chosen, context)
    pictures: dict[str, bytes] = {}
    blocks = []
    for block in made.blocks:
        told = {"block": type(block).__name__.lower(), **asdict(block)}
        if isinstance(block, Figure):
            content, alt = draw(dataset, chosen, "svg", block.size_mm)
            told |= {"file": "map.svg", "alt": alt}
            pictures["map.svg"] = content
        elif isinstance(block, Table):
            told["keep"] = [_is_short(row, block.shares) for row in block.rows]
        blocks.append(told)
    data = {
        "about": _told(made.about),
        "blocks": blocks,
        "lacking": _lacking(made, made.about.lang),
    }
    return _typeset("paper.typ", data, pictures, made.about.day)


def handout(dataset: Dataset, chosen: Selection, draw: Picture) -> bytes:
    """The steps of the dataset's briefing as tagged PDF, one landscape A4 page each.

    ``draw`` gets the dataset with the step's statements and features alone, and a selection whose
    view is the step's. Raises ``NoBriefingError`` where the dataset has no step.
    """
    _ = texts.translator(chosen.lang)
    pages = paper.steps(dataset, chosen)
    kept = selection.apply(dataset, chosen)
    about = paper.about(dataset, chosen, kept, _("Handout"))
    pictures, told = {}, []
    for place, step in enumerate(pages, start=1):
        content, alt = draw(step.dataset, step.chosen, "svg", _HANDOUT_MAP_MM)
        pictures[f"map-{place}.svg"] = content
        told.append(
            {
                "number": step.number,
                "head": step.title,
                "text": step.text,
                "shown": step.shown,
                "caveats": [[[asdict(r) for r in line] for line in c] for c in step.caveats],
                "file": f"map-{place}.svg",
                "alt": alt,
            }
        )
    data = {
        "about": _told(about),
        "pages": told,
        "lacking": _lacking([about, *pages], chosen.lang),
        "caveats": _("What to bear in mind"),
        "more": _("Left out for want of room: {n}. The briefing paper has them."),
        "attribution": _("Basemap: {attribution}").format(attribution=basemap.ATTRIBUTION),
    }
    return _typeset("handout.typ", data, pictures, about.day)


def _lacking(told: Any, lang: str) -> str:
    """That letters of these texts had to be replaced, if any."""
    found = {c for text in _texts(told) for c in plain(text)} - {"\u202f", "\u2011"}
    missing = sum(ord(c) not in _letters() for c in found)
    if not missing:
        return ""
    return texts.plural(
        lang,
        "{n} letter that the fonts of this file lack is printed as \ufffd.",
        "{n} letters that the fonts of this file lack are printed as \ufffd.",
        missing,
    )


def _texts(value: Any) -> Iterable[str]:
    """Every text in a document, or in a part of one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value) and not isinstance(value, Dataset):
        yield from _texts([getattr(value, field.name) for field in fields(value)])


def _told(about: About) -> dict[str, Any]:
    day = about.day and [about.day.year, about.day.month, about.day.day]
    return asdict(about) | {"head": paper.shortened(about.title, _LONGEST_TITLE), "day": day}


def _is_short(row: Sequence[Cell], shares: Sequence[float]) -> bool:
    """Whether each cell has room for its text in a few lines, as narrow as its column is."""
    letters = _MOST_LINES_KEPT_TOGETHER * _LETTERS_A_LINE
    return all(
        sum(len(run.text) for line in cell for run in line) <= letters * share
        for cell, share in zip(row, shares, strict=True)
    )


def _typeset(template: str, data: dict, pictures: dict[str, bytes], day: date | None) -> bytes:
    """Lay out ``data`` by a template; texts reach it as JSON, so that none is read as markup."""
    import typst

    data["style"] = {
        "ink": _INK,
        "quiet": _QUIET,
        "rule": _RULE,
        "tones": _TONES,
        "signs": _SIGNS,
    }
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder) for folder in _font_folders()],
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in (template, "common.typ"):
            (folder / file).write_bytes((_HERE / "typst" / file).read_bytes())
        (folder / "data.json").write_text(json.dumps(_cleaned(data)), "utf-8")
        for file, content in pictures.items():
            (folder / file).write_bytes(_without_marks(content))
        return typst.compile(
            str(folder / template),
            root=name,
            font_paths=fonts,
            ignore_system_fonts=True,
            format="pdf",
            # PDF/A wants a date, and nothing here but the as-of day is one.
            pdf_standards=["ua-1"] if day is None else ["a-2a", "ua-1"],
        )


def _cleaned(value: Any, seen: bool = True) -> Any:
    """The same data with every text printable, and with places to break where it is seen."""
    if isinstance(value, str):
        return _breakable(_printable(value)) if seen else _printable(value)
    if isinstance(value, dict):
        return {key: _cleaned(each, seen and key not in _UNSEEN) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each, seen) for each in value]
    return value


# ---- DOCX -------------------------------------------------------------------------------------

_TEXT_MM = 166.0
_FONT, _OTHER_FONT = "Open Sans", "Calibri"
_LANGUAGES = {"en": "en-GB", "fr": "fr-FR"}
_BORDERS = {
    "sourced": "single",
    "contested": "dashed",
    "denied": "thick",
    "withdrawn": "dotted",
    "declined": "dotted",
}
# name: size in points, bold, colour, space before and after, what it is based on
_STYLES = {
    "Normal": (9.5, False, _INK, 0, 5, ""),
    "Title": (22, True, _INK, 0, 8, "Normal"),
    "Subtitle": (9, True, SOURCED, 0, 4, "Normal"),
    "Heading 1": (15, True, _INK, 18, 6, "Normal"),
    "Heading 2": (11.5, True, _INK, 16, 5, "Normal"),
    "Caption": (8.5, False, _QUIET, 4, 5, "Normal"),
    "List Bullet": (9.5, False, _INK, 0, 3, "Normal"),
    "Header": (8, False, _QUIET, 0, 0, "Normal"),
    "Footer": (8, False, _QUIET, 0, 0, "Normal"),
    "Lead": (11.5, True, _INK, 0, 6, "Normal"),
    "Note": (8.5, False, _QUIET, 0, 3, "Normal"),
    "Status Line": (9, False, _QUIET, 0, 5, "Normal"),
    "Table Text": (8.5, False, _INK, 0, 2, "Normal"),
    "Table Head": (8, True, _QUIET, 0, 2, "Table Text"),
    "Tally Number": (20, True, _INK, 4, 0, "Table Text"),
    "Finding misfit": (9.5, False, _INK, 4, 6, "Normal"),
    "Finding fit": (9.5, False, _INK, 4, 6, "Normal"),
    "Finding open": (9.5, False, _INK, 4, 6, "Normal"),
}
_PROSE_STYLES = {
    "body": "Normal",
    "lead": "Lead",
    "quiet": "Note",
    "bullet": "List Bullet",
    "chips": "Status Line",
    "misfit": "Finding misfit",
    "fit": "Finding fit",
    "open": "Finding open",
}
_EPOCH = datetime(1980, 1, 1)  # the first moment that a zip file can name


def to_docx(
    dataset: Dataset, chosen: Selection, draw: Picture, context: Sequence[Styled] = ()
) -> bytes:
    """The briefing paper as DOCX, with real styles, captions that count and rows that keep whole.

    It names Open Sans and, for where that is missing, Calibri. Equal arguments give equal bytes.
    """
    import docx
    from docx.shared import Mm

    made = paper.compose(dataset, chosen, context)
    document = docx.Document()
    _set_styles(document, made.about)
    _set_page(document, made.about)
    _new_line(document, "Subtitle").add_run(plain(made.about.kicker))
    _new_line(document, "Title").add_run(plain(made.about.title))
    for place, block in enumerate(made.blocks, start=1):
        if isinstance(block, Heading):
            line = _new_line(document, f"Heading {block.level}")
            line.add_run(plain(block.text))
            if block.anchor:
                _mark(line, block.anchor, place)
        elif isinstance(block, Prose):
            _add_runs(_new_line(document, _PROSE_STYLES[block.style]), block.runs)
        elif isinstance(block, Tally):
            _add_tally(document, block)
        elif isinstance(block, Table):
            if block.caption:
                _add_caption(document, block.caption).paragraph_format.keep_with_next = True
            _add_table(document, block)
        else:
            content, alt = draw(dataset, chosen, "png", block.size_mm)
            line = document.add_paragraph()
            line.paragraph_format.keep_with_next = True
            line.paragraph_format.space_before = Mm(3)
            shape = line.add_run().add_picture(io.BytesIO(content), width=Mm(block.size_mm[0]))
            shape._inline.docPr.set("descr", plain(alt))
            _add_caption(document, block.caption)
    file = io.BytesIO()
    document.save(file)
    return _undated(file.getvalue())


def _style_id(name: str) -> str:
    """How a document names a style inside; asking the library takes most of its time."""
    return name.replace(" ", "")


def _new_line(document, style: str):
    line = document.add_paragraph()
    line._p.style = _style_id(style)
    return line


def _xml(tag: str, **attributes: object):
    """An element of WordprocessingML."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), str(value))
    return made


def _set_styles(document, about: About) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    styles = document.styles
    known = {style.name for style in styles}
    for name, (size, bold, colour, before, after, base) in _STYLES.items():
        if name not in known:
            styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style = styles[name]
        if base:
            style.base_style = styles[base]
        properties = style.element.get_or_add_rPr()
        for old in list(properties):
            properties.remove(old)
        faces = dict.fromkeys(("ascii", "hAnsi", "cs", "eastAsia"), _FONT)
        properties.append(_xml("rFonts", **faces))
        style.font.size, style.font.bold = Pt(size), bold
        style.font.color.rgb = RGBColor.from_string(colour[1:].upper())
        form = style.paragraph_format
        form.space_before, form.space_after = Pt(before), Pt(after)
        form.line_spacing = 0.9 if name == "Title" else 1.0
        form.widow_control = True
        for old in style.element.get_or_add_pPr().findall(qn("w:pBdr")):
            style.element.pPr.remove(old)
    _frame(styles["Heading 1"], "top", _INK, width=10)
    styles["Status Line"].paragraph_format.keep_with_next = True
    for name, tone in (("misfit", DENIED), ("fit", SOURCED), ("open", MUTED)):
        style = styles[f"Finding {name}"]
        _frame(style, "left", tone, width=20)
        style.paragraph_format.left_indent = Pt(8)
    quiet = styles.add_style("Quiet", WD_STYLE_TYPE.CHARACTER)
    quiet.font.color.rgb = RGBColor.from_string(_QUIET[1:].upper())
    for code, tone in _TONES.items():
        chip = styles.add_style(f"Status {code}", WD_STYLE_TYPE.CHARACTER)
        chip.font.bold = True
        chip.font.color.rgb = RGBColor.from_string(tone[1:].upper())
        frame = _xml("bdr", val=_BORDERS[code], sz=6, space=0, color=tone[1:])
        chip.element.rPr.append(frame)
    for lang in styles.element.iter(qn("w:lang")):
        lang.set(qn("w:val"), _LANGUAGES.get(about.lang, about.lang))
    _add_table_style(styles)
    _name_other_font(document)
    core = document.core_properties
    core.title, core.author, core.subject = (
        plain(text)[:255] for text in (about.title, about.author, about.subject)
    )
    core.keywords, core.language = plain(about.keywords)[:255], about.lang
    core.comments, core.last_modified_by, core.revision = "", about.author[:255], 1
    day = about.day or _EPOCH.date()
    core.created = core.modified = datetime(day.year, day.month, day.day, tzinfo=UTC)


def _frame(style, side: str, tone: str, width: int) -> None:
    """A rule along one side of the paragraphs of a style; width in eighths of a point."""
    borders = _xml("pBdr")
    borders.append(_xml(side, val="single", sz=width, space=6, color=tone[1:]))
    properties = style.element.get_or_add_pPr()
    properties.insert_element_before(
        borders,
        "w:shd",
        "w:tabs",
        "w:suppressAutoHyphens",
        "w:spacing",
        "w:ind",
        "w:jc",
        "w:outlineLvl",
    )


def _add_table_style(styles) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    def edge(side: str, size: int, tone: str) -> str:
        return f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="{tone[1:]}"/>'

    styles.element.append(
        parse_xml(
            f'<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="PaperTable">'
            '<w:name w:val="Paper Table"/><w:basedOn w:val="TableNormal"/><w:qFormat/><w:tblPr>'
            f"<w:tblBorders>{edge('bottom', 4, _RULE)}{edge('insideH', 4, _RULE)}</w:tblBorders>"
            '<w:tblCellMar><w:top w:w="50" w:type="dxa"/><w:left w:w="0" w:type="dxa"/>'
            '<w:bottom w:w="40" w:type="dxa"/><w:right w:w="110" w:type="dxa"/></w:tblCellMar>'
            '</w:tblPr><w:tblStylePr w:type="firstRow"><w:tcPr><w:tcBorders>'
            f"{edge('bottom', 8, _INK)}</w:tcBorders></w:tcPr></w:tblStylePr></w:style>"
        )
    )


def _name_other_font(document) -> None:
    """Tell the reader's program which font comes next to ours, and of what kind it is."""
    fonts = next(
        part
        for part in document.part.package.iter_parts()
        if part.partname.endswith("fontTable.xml")
    )
    told = (
        f'<w:font w:name="{_FONT}"><w:altName w:val="{_OTHER_FONT}"/>'
        '<w:panose1 w:val="020B0606030504020204"/><w:family w:val="swiss"/>'
        '<w:pitch w:val="variable"/></w:font></w:fonts>'
    )
    fonts._blob = fonts.blob.replace(b"</w:fonts>", told.encode())


def _set_page(document, about: About) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    for name in ("Header", "Footer"):
        stops = document.styles[name].paragraph_format.tab_stops
        for _stop in list(stops):
            del stops[0]
        stops.add_tab_stop(Mm(_TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm((210 - _TEXT_MM) / 2)
    section.top_margin, section.bottom_margin = Mm(25), Mm(22)
    section.header_distance = section.footer_distance = Mm(12)
    # The first page has the title in its place.
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].add_run(f"{about.running_head}\t{about.kicker}")
    for footer in (section.footer, section.first_page_footer):
        line = footer.paragraphs[0]
        line.style = document.styles["Footer"]
        before, between, after = about.page
        line.add_run(f"{about.foot}\t{before}")
        _add_field(line, "PAGE", "1")
        line.add_run(between)
        _add_field(line, "NUMPAGES", "1")
        line.add_run(after)


def _add_field(line, code: str, shown: str, style: str | None = None) -> None:
    """A field that the reader's program counts; ``shown`` stands there until it has."""
    for kind in ("begin", "code", "separate", "shown", "end"):
        run = line.add_run(shown if kind == "shown" else "")
        run._r.style = style
        if kind == "code":
            instruction = _xml("instrText")
            instruction.text = f" {code} "
            run._r.append(instruction)
        elif kind != "shown":
            run._r.append(_xml("fldChar", fldCharType=kind))


def _mark(line, anchor: str, number: int) -> None:
    """A bookmark round a heading, for links to lead to."""
    name = _bookmark(anchor)
    line._p.insert(1, _xml("bookmarkStart", id=number, name=name))
    line._p.append(_xml("bookmarkEnd", id=number))


def _bookmark(anchor: str) -> str:
    """The name of a bookmark: letters, digits and underscores, 40 at most, one for each anchor."""
    from hashlib import sha256

    return f"_{sha256(anchor.encode()).hexdigest()[:20]}"


def _add_runs(line, runs: Line) -> None:
    for run in runs:
        if run.style in _SIGNS:
            text, style = f"\u00a0{_SIGNS[run.style]}\u00a0{run.text}\u00a0", f"Status {run.style}"
        else:
            text, style = run.text, {"quiet": "Quiet", "strong": "Strong"}.get(run.style)
        made = line.add_run(plain(text))
        if style:
            made._r.style = _style_id(style)
        if run.anchor:
            link = _xml("hyperlink", anchor=_bookmark(run.anchor), history=1)
            made._r.addprevious(link)
            link.append(made._r)


def _add_caption(document, caption: Caption):
    line = _new_line(document, "Caption")
    line.add_run(f"{caption.label}\u00a0", "Strong")
    _add_field(line, f"SEQ {caption.kind} \\* ARABIC", str(caption.number), "Strong")
    line.add_run(". ", "Strong")
    line.add_run(plain(caption.text))
    return line


def _new_table(document, count: int, shares: Sequence[float], title: str):
    from docx.shared import Mm

    table = document.add_table(rows=count, cols=len(shares))
    table._tbl.tblStyle_val = _style_id("Paper Table")
    table.autofit = False
    for column, share in zip(table._tbl.tblGrid.gridCol_lst, shares, strict=True):
        column.w = Mm(_TEXT_MM * share)
    properties = table._tbl.tblPr
    properties.append(_xml("tblCaption", val=plain(title)[:250]))
    return table


def _add_table(document, told: Table) -> None:
    title = told.caption.text if told.caption else "; ".join(told.columns)
    table = _new_table(document, 1 + len(told.rows), told.shares, title)
    widths = [column.w for column in table._tbl.tblGrid.gridCol_lst]
    head = tuple(((Run(name),),) for name in told.columns)
    for place, (row, cells) in enumerate(zip(table._tbl.tr_lst, (head, *told.rows), strict=True)):
        properties = row.get_or_add_trPr()
        if place == 0 or _is_short(cells, told.shares):
            properties.append(_xml("cantSplit"))
        if place == 0:
            properties.append(_xml("tblHeader"))
        style = "Table Text" if place else "Table Head"
        for cell, lines, width in zip(row.tc_lst, cells, widths, strict=True):
            cell.width = width
            _fill(document, cell, [(style, line) for line in lines], keep=place == 0)
    _end_table(document)


def _fill(document, cell, lines: Sequence[tuple[str, Line]], keep: bool = False) -> None:
    """Put styled lines into an empty table cell."""
    from docx.text.paragraph import Paragraph

    first = cell.p_lst[0]
    for number, (style, line) in enumerate(lines or [("Table Text", ())]):
        made = Paragraph(first if number == 0 else cell.add_p(), document)
        made._p.style = _style_id(style)
        if keep:
            made.paragraph_format.keep_with_next = True
        _add_runs(made, line)


def _end_table(document) -> None:
    """A small gap: two tables in a row would be one."""
    from docx.shared import Pt

    gap = document.add_paragraph()
    gap.paragraph_format.space_after = Pt(0)
    gap.paragraph_format.line_spacing = Pt(9)


def _add_tally(document, tally: Tally) -> None:
    from docx.oxml.ns import qn

    count = len(tally.entries)
    title = "; ".join(f"{word}: {number}" for _code, number, word, _meaning in tally.entries)
    table = _new_table(document, 1, [1 / count] * count, title)
    table._tbl.tblPr.find(qn("w:tblLook")).set(qn("w:firstRow"), "0")
    for cell, (code, number, word, meaning) in zip(
        table._tbl.tr_lst[0].tc_lst, tally.entries, strict=True
    ):
        lines = [
            ("Tally Number", (Run(number),)),
            ("Table Text", (Run(word, code),)),
            ("Table Text", (Run(meaning, "quiet"),)),
        ]
        _fill(document, cell, lines)
    _end_table(document)


def _undated(content: bytes) -> bytes:
    """The same zip file with every entry at one fixed time."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return file.getvalue()
