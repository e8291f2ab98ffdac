"""Hostile texts through every field into every file: as text, and nothing that steers a reader."""

import csv
import io
import re
import sqlite3
import zipfile

import hostile
import pypdf
import pytest
from PIL import Image

from geo import dataset as datasets
from geo import exports, files
from geo.selection import Selection

SMALL = files.Picture(dpi=72)
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?(e[-+]?\d+)?")


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return datasets.load(hostile.poison(folder / "hostile")), folder / "pwned"


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def texts_of(form: files.Format, content: bytes) -> list[str]:
    """All the texts in a file, as its reader would meet them."""
    if form.suffix in (".zip", ".docx"):
        inner = members(content)
        other = (".png", ".ttf", ".jpg", ".jpeg")
        return [v.decode("utf-8") for n, v in inner.items() if not n.endswith(other)]
    if form.suffix == ".gpkg":
        database = sqlite3.connect(":memory:")
        database.deserialize(content)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        cells = [
            cell
            for (table,) in tables
            if not table.startswith("rtree")
            for row in database.execute(f'SELECT * FROM "{table}"')
            for cell in row
        ]
        database.close()
        return [cell for cell in cells if isinstance(cell, str)]
    if form.suffix == ".pdf":
        reader = pypdf.PdfReader(io.BytesIO(content))
        told = [str(value) for value in (reader.metadata or {}).values()]
        # Where a word may be broken, the typesetter was told so by us.
        return [*told, *(page.extract_text().replace("\u200b", "") for page in reader.pages)]
    if form.suffix == ".png":
        with Image.open(io.BytesIO(content)) as picture:
            return [str(told) for told in picture.info.values()]
    return [content.decode("utf-8-sig")]


@pytest.mark.parametrize(
    ("name", "lang"),
    # What is quick to make is made in the second language too.
    [*((name, "en") for name in files.FORMATS), *((name, "fr") for name in ("svg", "kml", "csv"))],
)
def test_no_file_runs_steers_or_fetches_anything(poisoned, name, lang):
    form = files.FORMATS[name]
    whole, mark = poisoned
    content = files.make(form, whole, Selection(lang=lang), SMALL)
    for text in texts_of(form, content):
        assert not hostile.STEERS.search(text.replace("\r\n", "\n").replace("\t", " ")), form.name
        if form.suffix in (".svg", ".docx", ".kml"):
            assert not re.search(r"<script|<img|<b class", text)
        # A link may lead elsewhere only where the dataset has a field for one.
        assert not re.search(r"""(src|href|Target)=["']?http://elsewhere""", text)
    if form.suffix == ".pdf":
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        links = [a.get_object().get("/A", {}) for p in pages for a in p.get("/Annots", ())]
        assert not [link for link in links if "elsewhere" in str(link.get("/URI", ""))]
        assert not [link for link in links if link.get("/S") in ("/JavaScript", "/Launch")]
    assert not mark.exists()


@pytest.mark.parametrize("start", hostile.STARTS, ids=ascii)
def test_no_cell_of_a_csv_starts_a_formula(tmp_path, start):
    whole = datasets.load(hostile.poison(tmp_path / "p", start))
    assert not hostile.STEERS.search(whole.title)
    content = exports.to_csv(whole, Selection()).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    assert any("1" in cell and cell.startswith("'") for cell in cells)
    for cell in cells:
        bare = cell.strip()
        assert not bare.startswith(tuple("=+-@＝＋－＠\t\r")) or NUMBER.fullmatch(bare), cell
