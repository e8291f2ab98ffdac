"""The interface in other languages: each string marked, each translated, and none bare."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po
from streamlit.testing.v1 import AppTest

from geo import texts

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "dashboard.py", *sorted((ROOT / "pages").glob("*.py")))
SOURCES = (*PAGES, *sorted((ROOT / "geo").glob("*.py")))
# The names that mark a string, as `make catalogue` hands them to the extractor.
KEYWORDS = parse_keywords(re.findall(r" -k (\S+)", (ROOT / "Makefile").read_text("utf-8")))
MARKS = {"_": (0,), "plural": (1, 2)}
LANGS = texts.languages()[1:]

Message = str | tuple[str, str]


def extracted() -> dict[Message, str]:
    """Every marked string of the sources (a pair where it counts), and a file that has it."""
    found = {}
    for path in SOURCES:
        for _line, message, _comments, _context in extract_from_file("python", path, KEYWORDS):
            found[message] = path.name
    return found


def catalogue(lang: str) -> Catalog:
    with (texts.LOCALE_DIR / lang / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=lang)


def entries(lang: str) -> dict[Message, tuple[str, ...]]:
    """The translations by string: one, or as many as the language has plural forms."""
    return {
        message.id: message.string if isinstance(message.string, tuple) else (message.string,)
        for message in catalogue(lang)
        if message.id
    }


def blanks(text: str) -> set[str]:
    """The placeholders of a string, as ``name`` or ``name!r``."""
    return {
        f"{name}!{conversion}" if conversion else name
        for _, name, _, conversion in string.Formatter().parse(text)
        if name is not None
    }


def calls(tree: ast.AST, names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """The calls of functions or methods of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in names:
                yield name, node


# The catalogues


def test_french_is_on_offer_and_its_extractor_is_set_up():
    assert "fr" in LANGS
    assert KEYWORDS.keys() == MARKS.keys()


@pytest.mark.parametrize("lang", LANGS)
def test_every_string_of_the_interface_is_translated(lang):
    has = entries(lang)
    lacking = {message: where for message, where in extracted().items() if message not in has}
    assert not lacking, "run `make catalogue` and translate these"
    assert not [message for message, translated in has.items() if not all(translated)]
    assert not [message.id for message in catalogue(lang) if message.id and message.fuzzy]


@pytest.mark.parametrize("lang", LANGS)
def test_no_catalogue_keeps_what_the_interface_lost(lang):
    assert not entries(lang).keys() - extracted().keys(), "run `make catalogue`"
    assert not catalogue(lang).obsolete


@pytest.mark.parametrize("lang", LANGS)
def test_translations_fill_the_same_blanks(lang):
    forms = catalogue(lang).num_plurals
    for message, translated in entries(lang).items():
        if isinstance(message, str):
            assert len(translated) == 1, message
            assert blanks(translated[0]) == blanks(message), message
            continue
        one, many = map(blanks, message)
        assert len(translated) == forms, message
        assert blanks(translated[-1]) == many, message
        # A count may be left out only where English leaves it out as well.
        assert all(one <= blanks(form) <= many for form in translated), message


def test_french_counts_nothing_as_one():
    said = [texts.plural("fr", "{n} claim", "{n} claims", n) for n in (0, 1, 2, 1500)]
    assert said == [
        "0\u00a0affirmation",
        "1\u00a0affirmation",
        "2\u00a0affirmations",
        "1\u202f500\u00a0affirmations",
    ]


# A space that keeps before ; : ! ? », after « and before %; the apostrophe of print.
MISSET = re.compile(r"(?<![\u00a0\u202f\d])[;:!?»%]|«(?![\u00a0\u202f])|'|\.\.\.|\"")


def test_french_is_set_as_in_print():
    wrong = [
        form
        for translated in entries("fr").values()
        for form in translated
        if MISSET.search(re.sub(r"\{[^}]*\}", "x", form))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "form", ["mesuré: 3", "mesuré : 3", "« oui »", "l'un", "«oui\u00a0»", "25 %", "Quoi ?"]
)
def test_what_is_misset_is_seen(form):
    assert MISSET.search(form)


def test_a_legend_entry_fits_its_column():
    from geo import symbols

    assert not [text for _key, _symbol, text in symbols.legend("fr") if len(text) > 24]


def test_days_of_french():
    from datetime import date

    assert texts.day(date(2024, 10, 1), "fr") == "1er oct. 2024"
    assert texts.day(date(2024, 10, 11), "fr") == "11 oct. 2024"
    assert texts.day(date(2024, 10, 1), "en") == "1 Oct 2024"


# The sources


def hidden(source: str) -> list[int]:
    """Lines where a mark stands round something that no extractor can read."""
    return [
        call.lineno
        for name, call in calls(ast.parse(source), set(MARKS))
        if not all(
            at < len(call.args)
            and isinstance(call.args[at], ast.Constant)
            and isinstance(call.args[at].value, str)
            for at in MARKS[name]
        )
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_plain_strings_are_marked(path):
    assert not hidden(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source", ["_(word)", "_(f'{n} claims')", "_('a' if x else 'b')", "texts.plural(lang, a, b, 1)"]
)
def test_a_mark_that_no_extractor_reads_is_seen(source):
    assert hidden(source)


# Widgets and texts of Streamlit: what a viewer reads comes first, or by one of these names.
SHOWN = {
    *("button", "download_button", "link_button", "form_submit_button", "page_link", "Page"),
    *("checkbox", "toggle", "radio", "selectbox", "multiselect", "pills", "segmented_control"),
    *("slider", "select_slider", "number_input", "text_input", "text_area", "date_input"),
    *("time_input", "file_uploader", "color_picker", "feedback", "chat_input", "data_editor"),
    *("title", "header", "subheader", "caption", "text", "write", "markdown", "html", "metric"),
    *("info", "warning", "error", "success", "exception", "toast", "spinner", "status", "badge"),
    *("expander", "popover", "dialog", "tabs", "progress", "image", "set_page_config"),
    *("Column", "TextColumn", "NumberColumn", "DateColumn", "LinkColumn", "CheckboxColumn"),
}
SPOKEN = {"label", "body", "title", "help", "placeholder", "page_title", "text", "options"}
NOT_SPOKEN_FIRST = {"Page", "set_page_config", "data_editor", "image"}


def words(node: ast.AST) -> str:
    """The letters that an expression brings along unmarked; markup and placeholders are none."""
    return re.sub(r"<[^>]*>|\{[^}]*\}|&\w+;|:material/\w+:", "", literal(node))


def literal(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):  # a path has /
        return literal(node.left) + literal(node.right)
    if isinstance(node, ast.BoolOp | ast.List | ast.Tuple):
        return "".join(map(literal, node.values if isinstance(node, ast.BoolOp) else node.elts))
    if isinstance(node, ast.IfExp):
        return literal(node.body) + literal(node.orelse)
    if isinstance(node, ast.Call):
        if getattr(node.func, "id", "") == "Markup":
            return "".join(map(literal, node.args))
        if getattr(node.func, "attr", "") in ("format", "join"):
            return literal(node.func.value) + "".join(map(literal, node.args))
    return ""


def bare(source: str) -> list[str]:
    """What a page shows without having it translated, as ``line: words``."""
    found = []
    for name, call in calls(ast.parse(source), SHOWN):
        if ast.unparse(call.func).startswith("_LOGGER."):
            continue  # for whoever runs the server
        shown = [] if name in NOT_SPOKEN_FIRST else call.args[:1]
        shown += [keyword.value for keyword in call.keywords if keyword.arg in SPOKEN]
        for each in map(words, shown):
            if re.search(r"[^\W\d_]", each):
                found.append(f"{call.lineno}: {each}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_show_no_bare_english(path):
    assert not bare(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "st.button('Reset')",
        "st.sidebar.checkbox(label='Denied')",
        "st.info('No claim: ' + name)",
        "st.header(f'{n} claims')",
        "st.caption('{} claims'.format(n))",
        "st.html(Markup('<p>Claims: {}</p>').format(n))",
        "st.html(Markup('<p>{}</p>').format('Claims'))",
        "st.subheader('Claims' if n else _('None'))",
        "column.selectbox(_('Day'), days, help='Pick a day')",
        "st.Page('map.py', title='Map')",
        "st.tabs(['Map', _('Checks')])",
    ],
)
def test_a_bare_string_is_seen(source):
    assert bare(source)


@pytest.mark.parametrize(
    "source",
    [
        "st.button(_('Reset'), key='reset')",
        "st.html(Markup('<p class=\"quiet\">{}</p>').format(_('Claims')))",
        "st.html(f\"<h3 class='facet'>{text}</h3>\")",
        "st.info('…')",
        "st.markdown(texts.plural(lang, '{n} claim', '{n} claims', n))",
        "st.Page(HERE / 'pages' / 'map.py', title=_('Map'), icon=':material/map:')",
    ],
)
def test_a_marked_string_is_let_be(source):
    assert not bare(source)


# The pages


def seen(app: AppTest) -> str:
    """All that a viewer of a run can read, in the page and in the sidebar, without markup."""
    parts = []
    for block in (app.main, app.sidebar):
        for element in block:
            proto = getattr(element, "proto", None)
            for field in ("body", "label", "help", "placeholder"):
                value = getattr(proto, field, "")
                parts.append(value if isinstance(value, str) else "")
            parts += [option.content for option in getattr(proto, "options", ()) if
                      hasattr(option, "content")]
    return re.sub(r"<[^>]*>", " ", " ".join(parts)).replace("\\", "")


def english_in(text: str) -> list[str]:
    """The strings of the interface that differ in French and yet stand in a text."""
    return [
        message
        for message, (french, *_) in entries("fr").items()
        if isinstance(message, str) and message != french and len(message) > 3
        if not blanks(message) and re.search(rf"\b{re.escape(message)}(?!\w)", text)
    ]


@pytest.mark.parametrize("link", ["", "claim=tsukuryne-distance", "source=kremlin&theme=plan"])
def test_a_french_link_shows_no_english(link):
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.query_params["lang"] = "fr"
    for key, value in (pair.split("=") for pair in link.split("&") if pair):
        app.query_params[key] = value
    app.run()
    assert not app.exception
    text = seen(app)
    assert "Réinitialiser les filtres" in text and "Affirmations" in text
    assert not english_in(text)


def test_a_broken_dataset_is_told_in_french(tmp_path, monkeypatch):
    monkeypatch.setenv("CLAIMS_DATASET", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.query_params["lang"] = "fr"
    app.run()
    assert app.header[0].value == "Ce jeu de données ne peut pas encore être affiché"
    (table,) = app.dataframe
    assert table.value["Attendu"].tolist() == [
        "un dossier ou un .zip qui contient un datapackage.json"
    ]


def test_english_left_in_a_page_would_be_seen():
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.run()
    assert len(english_in(seen(app))) > 10
