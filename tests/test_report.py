"""The briefing paper and the handout, read back by other programs than those that wrote them."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import builders
import docx
import pytest
from docx.oxml.ns import qn
from hostile import TEXTS, poison
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import IndirectObject

from geo import dataset, evidence, paper, plate, report, selection, texts
from geo.dataset import Dataset
from geo.paper import Figure, Heading, Prose, Run, Table
from geo.selection import Selection

ALT = "A map in words."
ALL = Selection()
NOBODY = Selection(source=("nyt",), status=("denied",))


class Stub:
    """A picture that is quickly made, and a record of what it was asked to show."""

    def __init__(self) -> None:
        self.asked: list[tuple[Dataset, Selection, str]] = []

    def __call__(self, whole, chosen, fmt, size_mm):
        self.asked.append((whole, chosen, fmt))
        width, height = size_mm
        if fmt == "svg":
            shape = f'<rect width="{width}" height="{height}" fill="#dde"/>'
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
            return f"{svg}{shape}</svg>".encode(), ALT
        file = io.BytesIO()
        Image.new("RGB", (int(width), int(height)), "#dde").save(file, "png")
        return file.getvalue(), ALT


def plates(whole, chosen, fmt, size_mm):
    content = plate.snapshot(whole, chosen, fmt=fmt, size_mm=size_mm, dpi=60)
    return content, plate.alt_text(whole, chosen)


@cache
def built_in() -> Dataset:
    return dataset.load()


@cache
def hostile(folder: Path) -> Dataset:
    return dataset.load(poison(folder / "poisoned"))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> Dataset:
    return hostile(tmp_path_factory.mktemp("hostile"))


@cache
def pdf(chosen: Selection = ALL) -> bytes:
    return report.to_pdf(built_in(), chosen, Stub())


@cache
def word(chosen: Selection = ALL) -> bytes:
    return report.to_docx(built_in(), chosen, Stub())


def opened(content: bytes):
    return docx.Document(io.BytesIO(content))


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def flat(text: str) -> str:
    """Text without spaces or places to break, which are the layout's own affair."""
    return re.sub(r"[\s\u200b\u00a0\u202f]", "", text)


@cache
def words_of(content: bytes) -> str:
    return flat("".join(page.extract_text() for page in read(content).pages))


@cache
def body(content: bytes) -> str:
    """The text of a DOCX, tables included, in the order of the document."""
    element = opened(content).element.body
    return flat("".join(text.text or "" for text in element.iter(qn("w:t"))))


def under(found: paper.Paper, claim: str) -> list:
    """The blocks of a paper that tell of one claim."""
    blocks = iter(found.blocks)
    next(b for b in blocks if isinstance(b, Heading) and b.anchor == f"claim-{claim}")
    mine = []
    for block in blocks:
        if isinstance(block, Heading):
            break
        mine.append(block)
    return mine


def told(value) -> str:
    """The texts of a document, or of a part of one, with spaces between."""
    if isinstance(value, Run):
        return value.text
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(told, value)))
    if is_dataclass(value):
        return told([getattr(value, field.name) for field in fields(value)])
    return value if isinstance(value, str) else ""


def objects(reader: PdfReader) -> Iterator[dict]:
    for number in range(1, len(reader.xref[0]) + 1 if reader.xref.get(0) else 1):
        found = IndirectObject(number, 0, reader).get_object()
        if isinstance(found, dict):
            yield found
    for number in reader.xref_objStm:
        found = IndirectObject(number, 0, reader).get_object()
        if isinstance(found, dict):
            yield found


# The document


def test_the_same_selection_is_the_same_paper_and_the_dataset_stays_as_it_was():
    whole = built_in()
    before = {name: getattr(whole, name).copy() for name in dataset.TABLES}
    chosen = Selection(source=("kremlin",), lang="fr")
    assert paper.compose(whole, chosen) == paper.compose(whole, chosen)
    assert all(before[name].equals(getattr(whole, name)) for name in before)


def test_every_claim_has_its_heading_with_or_without_a_place():
    whole = replace(built_in(), features=built_in().features.iloc[:1])
    found = paper.compose(whole, Selection())
    anchors = [b.anchor for b in found.blocks if isinstance(b, Heading) and b.anchor]
    assert anchors == [f"claim-{claim}" for claim in whole.claims.index]
    homeless = len(whole.claims) - 1
    assert told(found.blocks).count("This claim names no place.") == homeless
    assert f"{homeless} claims name no place" in told(found.blocks)


def test_assertions_stand_beside_denials_with_all_that_is_known_of_each():
    whole, chosen = built_in(), Selection()
    kept = selection.apply(whole, chosen)
    known = evidence.gather(whole, kept, "shipped-1500", chosen)
    mine = under(paper.compose(whole, chosen), "shipped-1500")
    sides = next(b for b in mine if isinstance(b, Table) and len(b.columns) == 2)
    assert sides.columns == ("Asserted by", "Denied by")
    for column, stance in enumerate(("asserts", "denies")):
        cells = [row[column] for row in sides.rows if row[column]]
        said = [s for s in known.said if s.stance_code == stance]
        assert len(cells) == len(said) > 0
        for cell, each in zip(cells, said, strict=True):
            text = told(cell)
            for part in (each.who, each.when, each.stance, each.grade, each.rationale):
                assert part in text
            assert each.reference in text
    assert "Independent origins: 1 (from 3 assertions)" in told(mine)
    assert known.confidence_rationale in told(mine)
    others = [s for s in known.said if s.stance_code == "declines"]
    assert others and all(s.who in told(mine) for s in others)


def test_a_side_without_a_word_is_told_and_not_left_blank():
    found = paper.compose(built_in(), Selection())
    asserted, denied = under(found, "security-pact"), under(found, "troops-in-ukraine")
    assert "No denial of this claim is shown." in told(asserted)
    assert "No assertion of this claim is shown." in told(denied)
    assert "none; nobody here asserts it" in told(denied)


def test_what_the_filters_hide_of_a_claim_is_told():
    mine = under(paper.compose(built_in(), Selection(source=("kbs",))), "shipped-1500")
    assert "more statement" in told(mine) and "hidden by the filters" in told(mine)


def test_the_distance_that_does_not_fit_leads_the_checks_and_is_in_the_summary():
    found = paper.compose(built_in(), Selection())
    table = next(b for b in found.blocks if isinstance(b, Table) and b.columns[1] == "Stated")
    first = [told(cell) for cell in table.rows[0]]
    assert first[1:3] == ["about 60 km", "24 km (20–28 km)"]
    assert "Does not fit" in first[3] and "Donetsk" in first[3]
    summary = [b for b in found.blocks if isinstance(b, Prose) and b.style == "bullet"]
    assert "Tsukuryne" in told(summary)


def test_confidence_that_nobody_assessed_is_never_a_middle_value(tmp_path):
    rows = builders.tables()
    for claim in rows["claims"]:
        claim["confidence"] = "unassessed"
    whole = builders.load(tmp_path, rows)
    blocks = paper.compose(whole, Selection()).blocks
    method = [b.text for b in blocks if isinstance(b, Heading)].index("How to read this paper")
    heads = [n for n, b in enumerate(blocks) if isinstance(b, Heading)]
    text = told(blocks[: heads[method]])
    assert "Confidence: Not assessed" in text and "Not assessed\u00a03." in text
    assert not re.search(r"\bmoderate\b", text, re.IGNORECASE)


def test_only_sources_that_have_a_part_are_listed():
    table = paper.compose(built_in(), Selection(source=("kremlin",))).blocks
    speakers = next(b for b in table if isinstance(b, Table) and b.columns[0] == "Source")
    names = [told(row[0]) for row in speakers.rows]
    assert names == [built_in().sources.loc["kremlin", "name"]]
    assert told(speakers.rows[0][1]).split()[0] == "Russia"
    assert "more sources of the dataset have no part" in told(table)


def test_numbers_of_claims_by_status_are_those_of_the_selection():
    kept = selection.apply(built_in(), Selection())
    tally = next(b for b in paper.compose(built_in(), Selection()).blocks if hasattr(b, "entries"))
    counts = kept.claims["status"].value_counts()
    assert {code: int(n) for code, n, *_ in tally.entries if n != "0"} == counts.to_dict()


# DOCX


def test_docx_headings_can_be_navigated_and_captions_count():
    document = opened(word())
    styles = [p.style.name for p in document.paragraphs]
    assert styles[:2] == ["Subtitle", "Title"]
    levels = [int(s[-1]) for s in styles if s.startswith("Heading")]
    assert levels[0] == 1 and set(levels) == {1, 2}
    titles = {p.text for p in document.paragraphs if p.style.name == "Heading 2"}
    for number, title in enumerate(built_in().claims["title"], start=1):
        assert f"{number}. {title}" in titles
    captions = [p for p in document.paragraphs if p.style.name == "Caption"]
    counted = [p._p.findall(f".//{qn('w:instrText')}")[0].text.split()[1] for p in captions]
    assert counted == ["Figure", "Table", "Table", "Table"]
    assert [p.text[:8] for p in captions] == [
        "Figure\u00a01",
        "Table\u00a01.",
        "Table\u00a02.",
        "Table\u00a03.",
    ]


def test_docx_tables_repeat_their_head_and_keep_rows_whole():
    tables = opened(word()).tables
    assert len(tables) > 40
    tally, *others = tables
    assert not tally._tbl.findall(f".//{qn('w:tblHeader')}")
    for table in others:
        rows = table._tbl.tr_lst
        heads = [
            row for row in rows if row.find(f"./{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        ]
        assert heads == [rows[0]]
        assert table.style.name == "Paper Table"
        assert len(table._tbl.tblGrid.gridCol_lst) == len(rows[0].tc_lst)
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))
        for row in rows:
            assert row.find(f"./{qn('w:trPr')}/{qn('w:cantSplit')}") is not None


def test_docx_picture_has_its_text_and_the_file_tells_of_itself():
    chosen = Selection(source=("nis",), as_of=date(2024, 10, 22))
    document = opened(word(chosen))
    (picture,) = document.inline_shapes
    assert picture._inline.docPr.get("descr") == ALT
    core = document.core_properties
    assert core.title == built_in().title and core.language == "en"
    assert core.author == f"contested-claims, {built_in().name}"
    assert built_in().digest in core.subject and "?source=nis&as_of=2024-10-22" in core.subject
    assert core.created.date() == core.modified.date() == date(2024, 10, 22)


def test_docx_pages_are_numbered_and_name_their_fonts():
    content = word()
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    footers = [text for name, text in parts.items() if "footer" in name]
    assert len(footers) == 2
    assert all(b"NUMPAGES" in text and b" PAGE " in text for text in footers)
    assert b'altName w:val="Calibri"' in parts["word/fontTable.xml"]
    styles = opened(content).styles
    for name in ("Normal", "Heading 1", "Title", "Table Text"):
        faces = styles[name].element.rPr.find(qn("w:rFonts"))
        assert set(faces.attrib.values()) == {"Open Sans"}
    for name, text in parts.items():
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(text)


def test_docx_links_lead_to_headings_and_nowhere_else():
    element = opened(word()).element
    marks = {m.get(qn("w:name")) for m in element.iter(qn("w:bookmarkStart"))}
    ids = [m.get(qn("w:id")) for m in element.iter(qn("w:bookmarkStart"))]
    links = [link.get(qn("w:anchor")) for link in element.iter(qn("w:hyperlink"))]
    assert len(marks) == len(built_in().claims) == len(set(ids)) and set(links) == marks


# PDF


def test_pdf_is_tagged_titled_and_can_be_navigated():
    chosen = Selection(status=("contested", "denied"))
    reader = read(pdf(chosen))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert root["/Lang"] == "en" and root["/ViewerPreferences"]["/DisplayDocTitle"]
    about = reader.metadata
    assert about.title == built_in().title
    assert about.author == f"contested-claims, {built_in().name}"
    assert built_in().digest in about.subject
    assert "?status=contested&status=denied" in about.subject
    assert about.creation_date.date() == built_in().days[1]
    outline = [e for e in reader.outline if not isinstance(e, list)]
    inner = [e.title for part in reader.outline if isinstance(part, list) for e in part]
    assert "Claim by claim" in [e.title for e in outline]
    kept = selection.apply(built_in(), chosen).claims
    assert [t for t in inner if re.match(r"\d+\. ", t)] == [
        f"{n}. {title}" for n, title in enumerate(kept["title"], start=1)
    ]


def test_pdf_claims_both_standards():
    packet = read(pdf()).xmp_metadata
    text = packet.stream.get_data().decode("utf-8")
    assert re.search(r"pdfuaid:part>1<", text)
    assert re.search(r"pdfaid:part>2<", text) and re.search(r"pdfaid:conformance>A<", text)


def test_pdf_embeds_its_own_fonts_only():
    seen = {}
    for page in read(pdf()).pages:
        for font in page["/Resources"].get("/Font", {}).values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            seen[inner["/BaseFont"]] = inner["/FontDescriptor"]
    assert {name.partition("+")[2].partition("-")[0] for name in seen} <= {"OpenSans", "DejaVuSans"}
    assert any("OpenSans-Bold" in name for name in seen)
    assert all("/FontFile2" in each or "/FontFile3" in each for each in seen.values())


def test_pdf_holds_the_caveats_of_the_picture_and_its_words():
    alts = [
        str(each["/Alt"])
        for each in objects(read(pdf()))
        if each.get("/S") == "/Figure" and "/Alt" in each
    ]
    assert alts == [ALT]
    text = words_of(pdf())
    for said in ("It does not tell what is true", "Page 1 of", "Natural Earth", "As of 1 Feb 2025"):
        assert flat(said) in text
    assert flat(selection.sentence(built_in(), Selection())) in text


def test_pdf_holds_every_text_that_the_docx_holds():
    text = words_of(pdf())
    for each in opened(word()).paragraphs:
        if each.style.name in ("Heading 1", "Heading 2"):
            assert flat(each.text) in text
    for said in built_in().statements["rationale"]:
        assert flat(said)[:24] in text


@pytest.mark.parametrize("write", [report.to_pdf, report.to_docx, report.handout])
def test_equal_arguments_give_equal_bytes(write):
    first, second = (write(built_in(), Selection(), Stub()) for _ in range(2))
    assert first == second


def test_pages_with_the_true_map():
    whole = builders.small()
    content = report.to_pdf(whole, Selection(), plates)
    assert len(content) > 100_000
    assert flat("Basemap: Natural Earth") in words_of(content)
    (picture,) = opened(report.to_docx(whole, Selection(), plates)).inline_shapes
    assert picture._inline.docPr.get("descr") == plate.alt_text(whole, Selection())


# Both languages


def test_french_has_no_english_left():
    french = Selection(lang="fr", as_of=date(2024, 10, 22))
    of_pdf, of_docx = words_of(pdf(french)), body(word(french))
    for said in ("Note de synthèse", "Démenti par", "Seulement démenti", "Tableau", "Corée du Sud"):
        assert flat(said) in of_docx and flat(said) in of_pdf
    for said in ("Asserted by", "Denied by", "Briefing paper", "usually reliable", "Link of"):
        assert flat(said) not in of_docx and flat(said) not in of_pdf
    assert read(pdf(french)).trailer["/Root"]["/Lang"] == "fr"
    styles = opened(word(french)).styles.element
    assert {lang.get(qn("w:val")) for lang in styles.iter(qn("w:lang"))} == {"fr-FR"}
    assert flat("État au 22 oct. 2024") in of_pdf


def test_each_language_says_the_same_number_of_things():
    english, french = (paper.compose(built_in(), Selection(lang=lang)) for lang in ("en", "fr"))
    assert [type(b) for b in english.blocks] == [type(b) for b in french.blocks]
    tables = zip(
        (b for b in english.blocks if isinstance(b, Table)),
        (b for b in french.blocks if isinstance(b, Table)),
        strict=True,
    )
    assert all(len(one.rows) == len(other.rows) for one, other in tables)


# Nothing kept


@pytest.mark.parametrize("lang", texts.languages())
def test_a_selection_that_keeps_nothing_gives_a_short_honest_paper(lang):
    chosen, draw = replace(NOBODY, lang=lang), Stub()
    _ = texts.translator(lang)
    contents = [report.to_pdf(built_in(), chosen, draw), report.to_docx(built_in(), chosen, draw)]
    assert draw.asked == []
    assert len(read(contents[0]).pages) == 1
    for text in (words_of(contents[0]), body(contents[1])):
        assert flat(_("Nothing to show")) in text
        assert flat(selection.sentence(built_in(), chosen)) in text
        assert flat(texts.plural(lang, "{n} claim", "{n} claims", 1)) in text


def test_a_dataset_without_a_statement_has_no_date_and_no_pdf_a():
    whole = replace(builders.small(), statements=builders.small().statements.iloc[:0])
    content = report.to_pdf(whole, Selection(), Stub())
    assert flat("Nothing to show") in words_of(content)
    reader = read(content)
    assert reader.metadata.creation_date is None
    assert "pdfaid" not in reader.xmp_metadata.stream.get_data().decode("utf-8")


# What tries to break out


def test_hostile_texts_are_only_texts(poisoned):
    draw, chosen = Stub(), Selection(status=("contested", "denied"))
    contents = [write(poisoned, chosen, draw) for write in (report.to_pdf, report.handout)]
    written = report.to_docx(poisoned, chosen, draw)
    for part in (*TEXTS[:3], TEXTS[5], TEXTS[8]):
        for content in contents:
            assert flat(part)[:30] in words_of(content)
        assert flat(part) in body(written)
    assert "\u202e" not in body(written)
    for content in contents:
        for each in objects(read(content)):
            assert not each.keys() & {"/JS", "/JavaScript", "/URI", "/Launch"}
    with zipfile.ZipFile(io.BytesIO(written)) as package:
        for name in package.namelist():
            text = package.read(name)
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(text)
            assert b'TargetMode="External"' not in text


def test_typst_reads_no_markup_and_no_code_in_texts(tmp_path):
    rows = builders.tables()
    code = (
        '#import "@preview/x:1.0.0" #panic("out") $x$ *b* _i_ `r` <l> @l #read("/etc/passwd") = h'
    )
    for row in rows["claims"]:
        row["title"] = row["summary"] = code
    whole = builders.load(tmp_path, rows)
    assert words_of(report.to_pdf(whole, Selection(), Stub())).count(flat(code)) >= 6


def test_controls_and_letters_without_a_font_are_neither_fatal_nor_lost_in_silence(tmp_path):
    rows = builders.tables()
    rows["claims"][0]["title"] = "Name 평양 \x01\x08 ሰላም \ue000 e\u0301"
    whole = builders.load(tmp_path, rows)
    text = words_of(report.to_pdf(whole, Selection(), Stub()))
    assert flat("Name �� ��� é") in text and flat("5 letters that the fonts") in text
    assert flat("Name 평양 ሰላም é") in body(report.to_docx(whole, Selection(), Stub()))


def starts(page) -> list[tuple[str, float, float]]:
    """The pieces of text on a page of a PDF, and where each starts, in points from below left."""
    found = []

    def note(text, outer, inner, _font, _size):
        x, y = inner[4], inner[5]
        if text.strip():
            found.append(
                (
                    text,
                    x * outer[0] + y * outer[2] + outer[4],
                    x * outer[1] + y * outer[3] + outer[5],
                )
            )

    page.extract_text(visitor_text=note)
    return found


def test_long_texts_and_long_words_stay_on_the_page(tmp_path):
    rows = builders.tables()
    long = "W" * 300
    rows["sources"][0]["name"] = long
    rows["claims"][0]["title"] = "word " * 400
    for statement in rows["statements"]:
        statement["rationale"] = "text " * 400
        statement["reference"] = "http://example.invalid/" + "a" * 200
    reader = read(report.to_pdf(builders.load(tmp_path, rows), Selection(), Stub()))
    assert flat(long) in flat("".join(page.extract_text() for page in reader.pages))
    for page in reader.pages:
        assert all(0 < x < 595 and 0 < y < 842 for _text, x, y in starts(page))


def test_a_row_taller_than_a_page_goes_on_over_the_next(tmp_path):
    rows = builders.tables()
    # Short for a wide column, and more than a page in the narrowest.
    rows["sources"][0]["name"] = rows["sources"][1]["name"] = "Danube " * 150 + "delta"
    reader = read(report.to_pdf(builders.load(tmp_path, rows), Selection(), Stub()))
    for page in reader.pages:
        heights = [y for text, _x, y in starts(page) if "Danube" in text]
        (foot,) = {y for text, _x, y in starts(page) if "As of" in text and y < 100}
        assert min(heights, default=842) > foot


def test_a_title_of_any_length_leaves_room_for_the_summary(poisoned):
    (first, *_rest) = read(report.to_pdf(poisoned, Selection(), Stub())).pages
    text = flat(first.extract_text())
    assert flat("<script>") in text and flat("In short") in text


def test_a_name_with_combining_marks_does_not_stop_a_document(tmp_path):
    rows = builders.tables()
    for place in rows["places"]:
        place["name"] = "O\u0323\u0300yo\u0323\u0301 \u0426\u0430\u0301\u0440\u044c"
    rows["briefing"] = [
        {"step": "1", "title": "A", "text": "B", "claims": rows["claims"][0]["id"]}
        | {"west": "30", "south": "40", "east": "140", "north": "60"}
    ]
    whole = builders.load(tmp_path, rows)
    for write in (report.to_pdf, report.handout):
        assert read(write(whole, Selection(), plates)).pages


def test_pictures_lose_marks_only_in_their_unseen_words():
    svg = '<svg><desc>e\u0323\u0301</desc><text x="1">e\u0323 &amp; \u0430\u0301</text></svg>'
    kept = '<svg><desc>e\u0323\u0301</desc><text x="1">e &amp; \u0430</text></svg>'
    assert report._without_marks(svg.encode()).decode() == kept


@pytest.mark.parametrize("word", ["e\u0323\u0301" * 30, "\ufffd" * 12, "\ufffd\ufffd\u2620" * 4])
def test_long_words_of_marks_or_replaced_letters_can_break(word):
    pieces = report._breakable(word).split("\u200b")
    assert "".join(pieces) == word and len(pieces) > 2
    assert all(len(each.replace("\u0323", "").replace("\u0301", "")) <= 10 for each in pieces)
    assert not any(each.startswith(("\u0323", "\u0301")) for each in pieces)


def crowd(folder: Path, count: int) -> Dataset:
    """A dataset with so many copies of each claim of the small one, in one step of a briefing."""
    rows = builders.tables()
    for table, key in (("claims", "id"), ("statements", "claim"), ("features", "claim")):
        copies = []
        for row in rows[table]:
            for n in range(count):
                copies.append(row | {"id": f"{row['id']}-{n}", key: f"{row[key]}-{n}"})
        rows[table] = copies
    rows["briefing"] = [
        {
            "step": "3",
            "title": "All " * 60,
            "text": "Much text. " * 200,
            "claims": " ".join(row["id"] for row in rows["claims"]),
            "west": "37",
            "south": "48",
            "east": "37",
            "north": "48",
        }
    ]
    return builders.load(folder, rows)


def test_many_claims_are_all_there(tmp_path):
    whole = crowd(tmp_path, 30)
    reader = read(report.to_pdf(whole, Selection(), Stub()))
    assert len(reader.pages) > 25
    inner = [e for part in reader.outline if isinstance(part, list) for e in part]
    assert sum(e.title.endswith(("Shipped", "A flag", "Far away")) for e in inner) == 90
    register = reader.pages[2].extract_text()
    assert "Asserted by" in register and "No." in register  # the head again


# The handout


@cache
def handed_out(lang: str) -> tuple[bytes, Stub]:
    draw = Stub()
    return report.handout(built_in(), Selection(lang=lang), draw), draw


@pytest.mark.parametrize("lang", texts.languages())
def test_the_handout_has_a_page_for_each_step(lang):
    content, _draw = handed_out(lang)
    reader = read(content)
    steps = built_in().briefing
    assert len(reader.pages) == len(steps)
    _ = texts.translator(lang)
    for (number, row), page in zip(steps.iterrows(), reader.pages, strict=True):
        assert page.mediabox.width > page.mediabox.height
        text = flat(page.extract_text())
        assert flat(f"{number}. {texts.in_language(row, 'title', lang)}") in text
        assert flat(texts.in_language(row, "text", lang)) in text
        assert flat(_("Page {page} of {pages}").format(page=number, pages=len(steps))) in text
        for claim in row["claims"].split():
            assert flat(texts.in_language(built_in().claims.loc[claim], "title", lang)) in text


def test_each_map_of_the_handout_shows_its_own_claims_within_its_own_bounds():
    _content, draw = handed_out("en")
    steps = built_in().briefing
    for (whole, chosen, _fmt), (_n, row) in zip(draw.asked, steps.iterrows(), strict=True):
        kept = selection.apply(whole, chosen)
        assert set(kept.claims.index) == set(row["claims"].split())
        assert whole.view(chosen.view).bounds == (row.west, row.south, row.east, row.north)
        # What is hidden is counted against the whole dataset, not against the step.
        hidden = len(built_in().claims) - len(kept.claims)
        assert f"{hidden} of 21 claims hidden" in selection.sentence(whole, chosen)
        assert selection.sentence(whole, chosen).startswith("As of 1 Feb 2025")


def test_the_handout_tells_status_confidence_and_who_denies():
    content, _draw = handed_out("en")
    fourth = flat(read(content).pages[3].extract_text())
    assert flat("Contested Confidence: Moderate Asserted by: National Intelligence") in fourth
    assert flat("Denied by: North Korea (only by implication)") in fourth
    assert flat("Confidence: Not assessed") in flat(read(content).pages[8].extract_text())


def test_a_step_whose_claims_are_filtered_away_says_so():
    content = report.handout(built_in(), NOBODY, Stub())
    for page in read(content).pages:
        assert re.search(
            r"claims? of this step (is|are) hidden by the filters", page.extract_text()
        )


def test_a_step_with_too_much_keeps_to_its_page_and_says_what_is_left_out(tmp_path):
    whole, draw = crowd(tmp_path, 8), Stub()
    reader = read(report.handout(whole, Selection(), draw))
    assert len(reader.pages) == 1
    text = " ".join(reader.pages[0].extract_text().split())
    assert "(Shortened; the dataset has all of it.)" in text
    left_out = int(re.search(r"Left out for want of room: (\d+)", text)[1])
    assert text.count("Confidence:") == 24 - left_out
    west, south, east, north = draw.asked[0][0].views[0].bounds
    assert west < 37 < east and south < 48 < north


def test_without_a_briefing_there_is_no_handout():
    with pytest.raises(paper.NoBriefingError, match="no briefing"):
        whole = replace(builders.small(), briefing=builders.small().briefing.iloc[:0])
        report.handout(whole, Selection(), Stub())


def test_a_handout_with_true_maps(tmp_path):
    whole = replace(built_in(), briefing=built_in().briefing.iloc[3:4])
    reader = read(report.handout(whole, Selection(), plates))
    assert flat("Map 1 of 1") in flat(reader.pages[0].extract_text())


# Any selection


@settings(max_examples=8)
@given(st.data())
def test_any_selection_can_be_written(data):
    whole = builders.small()
    chosen = data.draw(builders.selections(whole))
    sentence = flat(selection.sentence(whole, chosen))
    assert sentence in body(report.to_docx(whole, chosen, Stub()))
    assert sentence in words_of(report.to_pdf(whole, chosen, Stub()))


def test_the_picture_is_asked_for_the_chosen_view():
    draw, chosen = Stub(), Selection(view="routes", source=("nyt",))
    report.to_docx(built_in(), chosen, draw)
    report.to_pdf(built_in(), chosen, draw)
    assert [(c.view, fmt) for _w, c, fmt in draw.asked] == [("routes", "png"), ("routes", "svg")]
    figure = next(b for b in paper.compose(built_in(), chosen).blocks if isinstance(b, Figure))
    assert figure.caption.text.startswith("Sea routes to Vladivostok.")


def test_a_long_step_with_long_names_still_tells_its_caveats(poisoned):
    reader = read(report.handout(poisoned, Selection(), Stub()))
    for page, step in zip(reader.pages, paper.steps(poisoned, Selection()), strict=True):
        if step.caveats:
            assert flat("Confidence: ") in flat(page.extract_text())
