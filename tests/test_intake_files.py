"""The templates, the invented example, and the command line on files of strangers."""

import io
import json
import zipfile

import openpyxl
import pytest

from geo import checks, dataset, gazetteer, intake, marks, selection, templates, texts
from geo.__main__ import main
from geo.dataset import EXAMPLE, TABLES
from geo.selection import Selection

ENGLISH = """claim,source,stance,date,place,to place
Ships sailed,NIS,claims,2024-10-18,Chongjin,Vladivostok
Ships sailed,Kremlin,rejects,2024-10-21,,
"""


# Templates


@pytest.mark.parametrize("lang", texts.languages())
def test_the_sheet_comes_back_without_a_problem(lang):
    raw = intake.read(templates.template_xlsx(lang), "template.xlsx")
    matching = intake.propose(raw)
    assert intake.unused(raw, matching) == ()
    assert len(matching.columns) == len(raw.columns) > 20
    made = intake.build(raw, matching)
    assert made.problems == ()
    assert {r.code for r in made.remarks} <= {"no-date"}  # all in our own words
    _ = texts.translator(lang)
    mark = _("EXAMPLE, delete this row: {text}").format(text="")
    assert all(title.startswith(mark) for title in made.dataset.claims["title"])
    assert made.dataset.statements["stance"].tolist() == ["asserts", "denies", "asserts"]
    assert made.dataset.features["kind"].tolist() == ["place", "route"]


@pytest.mark.parametrize("lang", texts.languages())
def test_the_sheet_has_drop_downs_notes_and_instructions(lang):
    book = openpyxl.load_workbook(io.BytesIO(templates.template_xlsx(lang)))
    sheet, lists, guide = book.worksheets
    assert (lists.sheet_state, guide.sheet_state) == ("hidden", "visible")
    words = intake.field_words(lang)
    offered = {}
    for choice in sheet.data_validations.dataValidation:
        column = next(iter(choice.sqref.ranges)).min_col
        title = sheet.cell(1, column).value
        offered[title] = [cell.value for cell in lists[choice.formula1.split("!")[1]
                          .replace("$", "").split(":")[0].rstrip("1")] if cell.value]  # fmt: skip
    for name in ("stance", "confidence", "date_precision", "theme", "mode", "claimed_direction"):
        assert offered[words[name][0]] == list(intake.value_words(name, lang).values())
    for cell in sheet[1]:
        assert cell.comment.text in [description for _title, description in words.values()]
    told = {row[0].value: row[1].value for row in guide.iter_rows(max_col=2)}
    assert all(told[title] == description for title, description in words.values())


@pytest.mark.parametrize("lang", texts.languages())
def test_the_package_template_loads_without_a_problem(lang, tmp_path):
    archive = tmp_path / "t.zip"
    archive.write_bytes(templates.template_package(lang))
    whole = dataset.load(archive)
    assert len(whole.claims) == 1 and not whole.statements.empty and not whole.features.empty
    with zipfile.ZipFile(archive) as package:
        assert {f"{t}.csv" for t in TABLES} <= set(package.namelist())
        readme = package.read("README.txt").decode()
    assert all(f"{t}.csv" in readme for t in TABLES)


# The example


def test_the_example_shows_every_kind_of_row():
    whole = dataset.load(EXAMPLE)
    for table, name in [
        ("sources", "kind"), ("sources", "reliability"), ("places", "kind"),
        ("places", "located_by"), ("claims", "theme"), ("claims", "confidence"),
        ("claims", "date_precision"), ("statements", "stance"), ("statements", "scope"),
        ("statements", "date_precision"), ("features", "kind"), ("features", "mode"),
        ("features", "basis"),
    ]:  # fmt: skip
        listed = {f["name"]: f for f in dataset.schema(table)["fields"]}[name]
        wanted = set(listed["constraints"]["enum"])
        assert set(getattr(whole, table)[name]) - {""} == wanted, (table, name)
    assert set(whole.statements["credibility"]) == {1, 2, 3, 4, 5, 6}
    kept = selection.apply(whole, Selection())
    assert set(kept.claims["status"]) == set(dataset.STATUSES)
    statements = whole.statements
    middle = set(statements["origin"]) & set(statements.loc[statements["origin"] != "", "source"])
    assert middle, "no chain of origins"
    assert (whole.features["claimed_direction"] != "").any()
    assert (whole.places["approach"] != "").any()
    assert len(whole.views) > 1 and len(whole.briefing) > 2


def test_the_example_says_everywhere_that_it_is_invented():
    whole = dataset.load(EXAMPLE)
    for lang, word in [("en", "invented"), ("fr", "invent")]:
        end = "" if lang == "en" else "_fr"
        said = [getattr(whole, f"title{end}"), getattr(whole, f"description{end}")]
        said += [getattr(v, f"title{end}") for v in whole.views]
        for table, names in {
            "sources": ("name", "reliability_rationale"), "places": ("note",),
            "claims": ("title", "summary"), "statements": ("rationale",), "features": ("note",),
            "briefing": ("title", "text"),
        }.items():  # fmt: skip
            for name in names:
                said += getattr(whole, table)[f"{name}{end}"].tolist()
        assert all(word in text.casefold() for text in said), [
            text for text in said if word not in text.casefold()
        ]


def test_the_example_lies_at_sea_and_is_drawn():
    from geo import basemap

    whole = dataset.load(EXAMPLE)
    land = basemap.land("10m", (-12, 42, 0, 49)).union_all()
    assert not whole.places.intersects(land).any()
    assert len(marks.draw(whole, "fr")) > 30
    verdicts = {check.verdict for check in checks.run(whole)}
    assert len(verdicts) > 1


# The command line


def test_a_flat_file_is_read_and_what_was_understood_is_told(tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_text(ENGLISH, "utf-8")
    assert main(["validate", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == "mine: no problems\n"
    assert "claim = 'claim'" in err and "place 'Vladivostok': Vladivostok (Russia" in err
    assert "“rejects” read as “denies”" in err


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson", ".gpkg", ".kml", ".kmz", ".zip"])
def test_every_kind_of_file_goes_through_the_command_line(tmp_path, capsys, suffix):
    from test_intake_reading import KML, collection, geopackage, zipped

    point = {"type": "Point", "coordinates": [1.5, 2.5]}
    content = {
        ".csv": ENGLISH.encode(),
        ".xlsx": templates.template_xlsx("en"),
        ".geojson": collection(point),
        ".gpkg": geopackage(),
        ".kml": KML.encode(),
        ".kmz": zipped(**{"doc.kml": KML}),
        ".zip": templates.template_package("en"),
    }[suffix]
    file, made = tmp_path / f"mine{suffix}", tmp_path / "made.geojson"
    file.write_bytes(content)
    assert main(["export", str(file), "-o", str(made)]) == 0
    assert json.loads(made.read_text("utf-8"))["features"]
    assert main(["check", str(file)]) in (0, 1)
    assert str(made) in capsys.readouterr().out


def test_names_that_many_towns_have_end_with_the_towns_listed(tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_text("claim,source,place\na,s,Paris\n", "utf-8")
    assert main(["validate", str(file)]) == 1
    said = capsys.readouterr().out
    assert "Paris (France" in said and "2988507" in said and "Paris (United States" in said
    choices = tmp_path / "places.json"
    choices.write_text(json.dumps({"Paris": gazetteer.propose("Paris")[0].geonames_id}))
    assert main(["validate", str(file), "--places", str(choices)]) == 0
    assert "France" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "{", "", None])
def test_a_file_of_choices_that_is_none_is_wrong_usage(tmp_path, capsys, text):
    choices = tmp_path / "places.json"
    if text is not None:
        choices.write_text(text)
    with pytest.raises(SystemExit) as raised:
        main(["validate", str(EXAMPLE), "--places", str(choices)])
    assert raised.value.code == 2


def test_what_is_sound_can_be_used_and_the_rest_is_told(tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_text(ENGLISH + "Bad,s,dunno,2024-02-30,,\n", "utf-8")
    assert main(["validate", str(file)]) == 1
    assert capsys.readouterr().out.count("row 4") == 2
    made = tmp_path / "made.geojson"
    assert main(["export", str(file), "--leave-out", "-o", str(made)]) == 0
    assert "left out: mine.csv, row 4" in capsys.readouterr().err
    assert "1 row of the file left out" in made.read_text("utf-8")


def test_a_file_of_another_kind_is_told(tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["validate", str(file), "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)
    assert problem["found"] == "PNG"
