"""Empty tables to start a dataset from: one sheet with drop-downs, or a data package."""

from __future__ import annotations

import csv
import io
import json
import zipfile

from geo import intake, texts
from geo.dataset import EXAMPLE, TABLES, schema

# The columns of the sheet: enough for a map; every other field of ``intake`` can be added by name.
_COLUMNS = (
    *("claim", "source", "stance", "date", "date_precision", "place", "lon", "lat"),
    *("uncertainty_km", "to_place", "to_lon", "to_lat", "mode", "claimed_km", "claimed_direction"),
    *("confidence", "theme", "basis", "origin", "scope", "source_kind", "reliability"),
    *("credibility", "reference", "quote", "summary"),
)
_LAST_ROW = 2000  # how far down the drop-downs reach
_WIDTHS = {"claim": 44, "reference": 32, "quote": 28, "summary": 44, "source": 24}
_KEPT_CLAIM = "barges"  # of the example, in the package


def template_xlsx(lang: str) -> bytes:
    """A workbook for one statement a row, in a language: drop-downs, notes, instructions.

    Headers are the titles of ``intake.field_words``, so that every column is known when the file
    comes back; the rows that are in it say that they are examples. Words of the closed lists are
    those of the language.
    """
    import openpyxl
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    _ = texts.translator(lang)
    titles = intake.field_words(lang)
    required = {f.name for f in intake.FIELDS if f.required}
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = _("Statements")
    lists = book.create_sheet(_("Lists"))
    lists.sheet_state = "hidden"
    wrapped = Alignment(vertical="top", wrap_text=True)
    for n, name in enumerate(_COLUMNS, start=1):
        title, description = titles[name]
        letter = get_column_letter(n)
        head = sheet.cell(1, n, title)
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = PatternFill("solid", fgColor="0B4F8A" if name in required else "5A6B7B")
        head.alignment = wrapped
        head.comment = Comment(description, "", height=120, width=280)
        sheet.column_dimensions[letter].width = _WIDTHS.get(name, 16)
        words = list(intake.value_words(name, lang).values())
        if not words:
            continue
        for row, word in enumerate(words, start=1):
            lists.cell(row, n, word)
        source = f"'{lists.title}'!${letter}$1:${letter}${len(words)}"
        choice = DataValidation(type="list", formula1=source, allow_blank=True)
        choice.promptTitle, choice.prompt = title[:32], description[:255]
        choice.errorTitle, choice.error = title[:32], _("Choose one of the list.")
        choice.showInputMessage = choice.showErrorMessage = True
        sheet.add_data_validation(choice)
        choice.add(f"{letter}2:{letter}{_LAST_ROW}")
    for row, cells in enumerate(_examples(lang), start=2):
        for n, name in enumerate(_COLUMNS, start=1):
            cell = sheet.cell(row, n, cells.get(name))
            cell.font, cell.alignment = Font(italic=True, color="6B6B6B"), wrapped
    sheet.freeze_panes = "B2"
    sheet.row_dimensions[1].height = 32

    guide = book.create_sheet(_("Instructions"))
    guide.column_dimensions["A"].width, guide.column_dimensions["B"].width = 32, 100
    for line in _instructions(lang):
        guide.append([line])
        guide.merge_cells(
            start_row=guide.max_row, end_row=guide.max_row, start_column=1, end_column=2
        )
        guide.cell(guide.max_row, 1).alignment = wrapped
        guide.row_dimensions[guide.max_row].height = 32
    guide.cell(1, 1).font = Font(bold=True, size=14)
    guide.append([])
    guide.append([_("Column"), _("What stands in it")])
    for n in (1, 2):
        guide.cell(guide.max_row, n).font = Font(bold=True)
    for f in intake.FIELDS:
        guide.append(list(titles[f.name]))
        guide.cell(guide.max_row, 2).alignment = wrapped
        if f.name in required:
            guide.cell(guide.max_row, 1).font = Font(bold=True)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _examples(lang: str) -> list[dict[str, str | float]]:
    """Rows that show how it is meant: an assertion, its denial, a route."""
    _ = texts.translator(lang)
    words = {name: intake.value_words(name, lang) for name in _COLUMNS}
    mark = _("EXAMPLE, delete this row: {text}")
    island = {"lon": -5.6, "lat": 45.6, "place": _("Port Lorcade (invented)")}
    claim = mark.format(text=_("a radar stands in the port"))
    shared = {"theme": words["theme"]["presence"], "confidence": words["confidence"]["low"]}
    return [
        {
            "claim": claim,
            "source": _("Invented newspaper"),
            "stance": words["stance"]["asserts"],
            "date": "2031-03-04",
            "date_precision": words["date_precision"]["day"],
            **island,
            **shared,
            "basis": words["basis"]["reported"],
            "source_kind": words["source_kind"]["news"],
            "reliability": words["reliability"]["C"],
            "credibility": words["credibility"]["3"],
            "reference": _("invented; write publication, date and page or address"),
        },
        {
            "claim": claim,
            "source": _("Invented ministry"),
            "stance": words["stance"]["denies"],
            "date": "2031-03-06",
            "date_precision": words["date_precision"]["day"],
            **shared,
            "scope": words["scope"]["direct"],
            "source_kind": words["source_kind"]["government"],
            "reference": _("invented; write publication, date and page or address"),
        },
        {
            "claim": mark.format(text=_("two barges crossed to the port")),
            "source": _("Invented newspaper"),
            "stance": words["stance"]["asserts"],
            "date": "2031-03",
            "date_precision": words["date_precision"]["month"],
            "place": _("Sel Harbour (invented)"),
            "lon": -7.05,
            "lat": 46.1,
            "to_place": island["place"],
            "to_lon": island["lon"],
            "to_lat": island["lat"],
            "mode": words["mode"]["sea"],
            "confidence": words["confidence"]["unassessed"],
            "theme": words["theme"]["transport"],
            "basis": words["basis"]["reported"],
            "reference": _("invented; write publication, date and page or address"),
        },
    ]


def _instructions(lang: str) -> tuple[str, ...]:
    _ = texts.translator(lang)
    return (
        _("How to fill in this table"),
        _("One row is one statement: one source says one thing about one claim on one day."),
        _("Rows with exactly the same claim go together; a denial is a row of its own."),
        _(
            "A town needs only its name, with the country where names are common: “Paris, France”. "
            "Anything else needs longitude and latitude in degrees."
        ),
        _("Only claim and source must be filled in. Leave a cell empty rather than guess."),
        _("Columns may be moved, deleted or added; the list below has every one that is known."),
        _("The grey rows are examples: delete them. Then save the file and open it in the app."),
    )


def template_package(lang: str) -> bytes:
    """A data package as .zip, whose tables have every column and a few invented rows to replace."""
    titles = {}
    for each in texts.languages():
        _ = texts.translator(each)
        end = "" if each == texts.DEFAULT_LANG else f"_{each}"
        titles[f"title{end}"] = _("My claims (with invented rows to replace)")
    descriptor = json.loads((EXAMPLE / "datapackage.json").read_text("utf-8"))
    descriptor |= {
        "name": "my-claims",
        **titles,
        "views": descriptor["views"][:1],
    }
    for resource in descriptor["resources"]:
        resource["schema"] = schema(resource["name"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("datapackage.json", json.dumps(descriptor, ensure_ascii=False, indent=2))
        for table, rows in _few_rows().items():
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(rows)
            archive.writestr(f"{table}.csv", text.getvalue())
        archive.writestr("README.txt", "\n\n".join(_package_lines(lang)) + "\n")
    return content.getvalue()


def _few_rows() -> dict[str, list[list[str]]]:
    """The example's tables, each with its header and only what one claim needs."""
    tables: dict[str, list[list[str]]] = {}
    for table in TABLES:
        with (EXAMPLE / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            tables[table] = list(csv.reader(file))

    def only(table: str, column: str, wanted: set[str]) -> None:
        header, *rows = tables[table]
        at = header.index(column)
        tables[table] = [header, *(row for row in rows if row[at] in wanted)]

    def used(table: str, *columns: str) -> set[str]:
        header, *rows = tables[table]
        return {row[header.index(column)] for row in rows for column in columns}

    only("claims", "id", {_KEPT_CLAIM})
    only("statements", "claim", {_KEPT_CLAIM})
    only("features", "claim", {_KEPT_CLAIM})
    only("sources", "id", used("statements", "source", "origin"))
    only("places", "id", used("features", "place", "to_place") | used("statements", "place"))
    only("briefing", "step", {"1"})
    return tables


def _package_lines(lang: str) -> tuple[str, ...]:
    _ = texts.translator(lang)
    tables = {
        "sources": _("who speaks"),
        "places": _("where"),
        "claims": _("what is alleged"),
        "statements": _("who said what about a claim, and when"),
        "features": _("what is drawn for a claim"),
        "briefing": _("the story, step by step; may be deleted"),
    }
    return (
        _("A dataset of contested claims: tables to fill in"),
        _("Every row here is invented. Replace them all; keep the header rows as they are."),
        *(_("{head}: {text}").format(head=f"{t}.csv", text=tables[t]) for t in TABLES),
        _(
            "The tables refer to each other by id: small letters, digits and hyphens. What each "
            "column may hold stands in datapackage.json."
        ),
        _("Check the result with: python -m geo validate FOLDER"),
    )
