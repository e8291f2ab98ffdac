"""The viewer's own data: brought in from a file, matched, mended, shown on every page, changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st
from markupsafe import Markup

from geo import dataset as datasets
from geo import exports, intake, templates, texts
from geo.dataset import DatasetError, Problem
from geo.reading import MAX_FILE_BYTES, SUFFIXES
from pages import editor, own, problems, session, sidebar

# Of the session's state: the file as it came, as it was read, and what the viewer chose for it.
FILE, RAW, PART = "data.bytes", "data.raw", "data.part"
MATCHING, CHOICES, TITLE, BUILT = "data.matching", "data.choices", "data.title", "data.built"
BEGUN = (FILE, RAW, PART, MATCHING, CHOICES, TITLE, BUILT)
MAP = Path(__file__).parent / "map.py"
UNSURE = 0.8  # a likeness of headers below which a proposal is called a guess
MOST_PLACES = 60  # names of places that are asked for at once
NOWHERE, TYPED = "nowhere", "typed"
SHOWN_ROWS = 1000  # of problems on the page; the file holds all

now = session.current()
whole, chosen, _ = now.whole, now.selection, now.translate
lang, state = chosen.lang, st.session_state
fields = intake.field_words(lang)


def note(text: str) -> None:
    st.html(Markup('<p class="data-note">{}</p>').format(text))


def heading(text: str) -> None:
    st.html(Markup('<h2 class="data">{}</h2>').format(text))


# Which dataset is shown


def show_header() -> None:
    st.html(
        Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(
            _("Your data"), now.sentence
        )
    )


def show_shown() -> None:
    mine = own.current()
    title = texts.in_language(vars(whole), "title", lang)
    told = {
        None: _("Shown on every page: {title}, the dataset that everybody here sees."),
        own.UPLOADED: _("Shown on every page: {title}, from your file, to you alone."),
        own.EXAMPLE: _("Shown on every page: {title}, an invented example, to you alone."),
        own.COPY: _("Shown on every page: {title}, your own copy, to you alone."),
    }[mine and mine.origin]
    with st.container(horizontal=True, vertical_alignment="center", key="data-shown"):
        st.html(
            Markup('<p class="data-shown" role="status">{}</p>').format(told.format(title=title)),
            width="stretch",
        )
        if mine is not None:
            st.page_link(MAP, label=_("See the map"), icon=":material/map:")
            st.button(_("Back to the dataset of this site"), key="data.leave", on_click=own.leave)
        if own.set_aside():
            st.button(_("Take your changes up again"), key="data.take-up", on_click=own.take_up)
        if mine is None or mine.origin != own.EXAMPLE:
            st.button(_("Try the invented example"), key="data.example", on_click=show_example)


def show_example() -> None:
    own.show(datasets.load(datasets.EXAMPLE), own.EXAMPLE)


# A file


def uploaded() -> None:
    """Take the file that was chosen, or forget the one that was taken away."""
    for key in BEGUN:
        state.pop(key, None)
    file = state["data.file"]
    if file is not None:
        state[FILE] = (file.name, file.getvalue())


def show_upload() -> None:
    limit_mb = MAX_FILE_BYTES // 1_000_000
    note(
        _(
            "A spreadsheet with one row for each statement (CSV, XLSX), shapes (GeoJSON, "
            "GeoPackage, KML) or a whole package (.zip), up to {limit} MB and {rows} rows. It is "
            "kept in this session’s memory only: nobody else sees it, nothing of it is written "
            "to disk where others could fetch it, and it is gone when you reload or close the page."
        ).format(limit=limit_mb, rows=texts.number(datasets.MAX_ROWS, lang))
    )
    st.file_uploader(
        _("Your file"),
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        key="data.file",
        on_change=uploaded,
        max_upload_size=limit_mb,
    )
    if FILE not in state:
        show_templates()
        return
    raw = read()
    if raw is None:
        return
    if raw.parts:
        choose_part(raw)
    if raw.kind == "table":
        show_matching(raw)
    show_built(raw)


def show_templates() -> None:
    heading(_("No file yet? Begin with a template"))
    with st.container(horizontal=True):
        for key, label, make, suffix, kind in (
            ("xlsx", _("Spreadsheet (XLSX)"), templates.template_xlsx, ".xlsx", "xlsx"),
            ("package", _("Package (.zip)"), templates.template_package, ".zip", "zip"),
        ):
            st.download_button(
                label,
                data=lambda make=make: make(lang),
                file_name=f"claims-template-{lang}{suffix}",
                mime=MEDIA_TYPES[kind],
                key=f"data.template.{key}",
                icon=":material/download:",
                on_click="ignore",
            )


MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def read() -> intake.Raw | None:
    """The file as read, once; None where it cannot be, which is then told."""
    if RAW not in state:
        name, content = state[FILE]
        try:
            with st.spinner(_("Reading {name} …").format(name=sidebar.plain(name))):
                state[RAW] = intake.read(content, name, state.get(PART, ""))
        except DatasetError as error:
            st.error(_("This file cannot be read as it is."))
            show_problems(error.problems, name)
            return None
    return state[RAW]


def choose_part(raw: intake.Raw) -> None:
    state["data.choose-part"] = raw.part
    st.selectbox(
        _("Sheet or layer"), raw.parts, key="data.choose-part", on_change=part_chosen, width=320
    )


def part_chosen() -> None:
    for key in (RAW, MATCHING, CHOICES, BUILT):
        state.pop(key, None)
    state[PART] = state["data.choose-part"]


# Matching


def matching_of(raw: intake.Raw) -> intake.Matching:
    if MATCHING not in state:
        state[MATCHING] = intake.propose(raw)
    return state[MATCHING]


def match(field: str) -> None:
    """Take over which column a field is read from."""
    matching = state[MATCHING]
    columns = {f: c for f, c in matching.columns.items() if f != field}
    if column := state[f"data.match.{field}"]:
        columns[field] = column
    state[MATCHING] = replace(matching, columns=columns)


def rematch(name: str, key: str) -> None:
    """Take over another choice of how the columns are read."""
    state[MATCHING] = replace(state[MATCHING], **{name: state[key]})


def read_as(field: str, found: str, key: str) -> None:
    """Take over what a word of the file means."""
    values = dict(state[MATCHING].values)
    values.pop((field, found), None)
    if state[key]:
        values[field, found] = state[key]
    state[MATCHING] = replace(state[MATCHING], values=values)


def show_matching(raw: intake.Raw) -> None:
    matching = matching_of(raw)
    sureness = intake.sureness(raw, matching)
    heading(_("Which column is what"))
    first = [f.name for f in intake.FIELDS if f.required or f.name in matching.columns]
    rest = [f.name for f in intake.FIELDS if f.name not in first]
    show_columns(raw, matching, first, sureness)
    with st.expander(_("Fields without a column ({n})").format(n=len(rest))):
        note(_("What is left empty takes a value that says nothing more than is known."))
        show_columns(raw, matching, rest, sureness)
    if unused := intake.unused(raw, matching):
        note(_("Columns that are not read: {names}").format(names=", ".join(unused)))
    show_doubts(raw, matching)
    heading(_("The first rows, as they will be read"))
    shown = intake.preview(raw, matching)
    shown.columns = [fields[name][0] for name in shown.columns]
    shown.index.name = _("Row")
    st.dataframe(shown, width="stretch", height=min(35 * (len(shown) + 1) + 3, 330))
    show_wanted(raw, matching)


def show_columns(
    raw: intake.Raw, matching: intake.Matching, names: list[str], sureness: dict[str, float]
) -> None:
    required = {f.name for f in intake.FIELDS if f.required}
    columns = st.columns(4, gap="small")
    for position, name in enumerate(names):
        title, about = fields[name]
        if name in required:
            title = _("{field} (needed)").format(field=title)
        elif name in matching.columns and sureness.get(name, 1) < UNSURE:
            title = _("{field} (a guess)").format(field=title)
        key = f"data.match.{name}"
        state[key] = matching.columns.get(name, "")
        columns[position % 4].selectbox(
            title,
            ["", *raw.columns],
            key=key,
            format_func=lambda column: column or _("no column"),
            help=about,
            on_change=match,
            args=(name,),
        )


def show_doubts(raw: intake.Raw, matching: intake.Matching) -> None:
    """What can be read in two ways, for the viewer to say which."""
    if (rows := intake.swapped(raw, matching)) or matching.swap_lon_lat:
        state["data.swap"] = matching.swap_lon_lat
        st.checkbox(
            texts.plural(
                lang,
                "Longitude and latitude look exchanged in {n} row: exchange them",
                "Longitude and latitude look exchanged in {n} rows: exchange them",
                rows,
            ),
            key="data.swap",
            on_change=rematch,
            args=("swap_lon_lat", "data.swap"),
        )
    unclear = intake.unclear_dates(raw, matching)
    if unclear or matching.day_first is not None:
        words = {
            None: _("as the column itself shows"),
            True: _("day first"),
            False: _("month first"),
        }
        state["data.day-first"] = matching.day_first
        st.radio(
            _("Dates such as {examples}").format(
                examples=sidebar.plain(", ".join(unclear[:3])) or "03/04/2024"
            ),
            list(words),
            key="data.day-first",
            format_func=words.get,
            horizontal=True,
            on_change=rematch,
            args=("day_first", "data.day-first"),
        )
    show_unclear_pairs(raw, matching)
    unknown = intake.unknown_values(raw, matching)
    asked = dict.fromkeys([*((f, v) for f, vs in unknown.items() for v in vs), *matching.values])
    if not asked:
        return
    note(_("Words that are not among ours: say what they mean."))
    columns = st.columns(4, gap="small")
    for position, (field, value) in enumerate(asked):
        words = intake.value_words(field, lang)
        key = f"data.value.{position}"
        state[key] = matching.values.get((field, value), "")
        columns[position % 4].selectbox(
            _("“{value}” under {field}").format(value=sidebar.plain(value), field=fields[field][0]),
            ["", *words],
            key=key,
            format_func=lambda code, words=words: words.get(code, _("not said yet")),
            on_change=read_as,
            args=(field, value, key),
        )


def show_unclear_pairs(raw: intake.Raw, matching: intake.Matching) -> None:
    """Which of two numbers in one column is the latitude, where nothing tells."""
    unclear = intake.unclear_pairs(raw, matching)
    if not unclear and matching.lat_first is None:
        return
    words = {
        None: _("as the column itself shows"),
        True: _("latitude first"),
        False: _("longitude first"),
    }
    state["data.lat-first"] = matching.lat_first
    st.radio(
        _("Positions such as {examples}").format(
            examples=sidebar.plain("; ".join(unclear[:3])) or "48.28, 37.17"
        ),
        list(words),
        key="data.lat-first",
        format_func=words.get,
        horizontal=True,
        on_change=rematch,
        args=("lat_first", "data.lat-first"),
    )


# Places


def choices_of(wanted: tuple[intake.Wanted, ...]) -> dict:
    """What was chosen for the names that are asked for; those with one town alone stand at it."""
    kept = state.setdefault(CHOICES, {})
    for name, town in intake.sure_places(wanted).items():
        kept.setdefault(name, town)
    return {each.name: kept[each.name] for each in wanted if each.name in kept}


def place_chosen(name: str, key: str) -> None:
    picked = state[key]
    state[CHOICES].pop(name, None)
    if picked == NOWHERE:
        state[CHOICES][name] = None
    elif picked == TYPED:
        state[CHOICES][name] = TYPED
    elif picked:
        state[CHOICES][name] = picked


def place_typed(name: str, keys: tuple[str, str]) -> None:
    state[CHOICES][name] = tuple(state[key] for key in keys)


def show_wanted(raw: intake.Raw, matching: intake.Matching) -> None:
    wanted = intake.places(raw, matching)
    if not wanted:
        return
    choices = choices_of(wanted)
    open_names = [each for each in wanted if choices.get(each.name, TYPED) == TYPED]
    heading(_("Places without coordinates"))
    note(
        _(
            "The gazetteer knows towns by these names. Where several bear one name, it is for you "
            "to say which is meant: {open} of {all} are still open."
        ).format(open=texts.number(len(open_names), lang), all=texts.number(len(wanted), lang))
    )
    ordered = sorted(wanted, key=lambda each: each.name in choices)
    columns = st.columns(2, gap="medium")
    for position, each in enumerate(ordered[:MOST_PLACES]):
        with columns[position % 2]:
            show_place(each, choices)
    if len(ordered) > MOST_PLACES:
        note(
            _("{n} more follow when these are decided.").format(
                n=texts.number(len(ordered) - MOST_PLACES, lang)
            )
        )


def show_place(wanted: intake.Wanted, choices: dict) -> None:
    words: dict[object, str] = {found.geonames_id: found.words(lang) for found in wanted.found}
    words |= {TYPED: _("Type its position"), NOWHERE: _("Leave it without a place")}
    chosen_one = choices.get(wanted.name, "")
    if isinstance(chosen_one, tuple):
        chosen_one = TYPED
    elif chosen_one is None:
        chosen_one = NOWHERE
    key = f"data.place.{wanted.name}"
    state[key] = chosen_one
    rows = texts.plural(lang, "{n} row", "{n} rows", len(wanted.rows))
    st.selectbox(
        _("{name} ({rows})").format(name=sidebar.plain(wanted.name), rows=rows),
        ["", *words],
        key=key,
        format_func=lambda code: words.get(code, _("not decided yet")),
        on_change=place_chosen,
        args=(wanted.name, key),
    )
    if chosen_one != TYPED:
        return
    keys = (f"{key}.lon", f"{key}.lat")
    stood = choices[wanted.name] if isinstance(choices[wanted.name], tuple) else (None, None)
    with st.container(horizontal=True):
        for each, label, edge, value in zip(
            keys, (_("Longitude"), _("Latitude")), (180.0, 90.0), stood, strict=True
        ):
            state.setdefault(each, value)
            st.number_input(
                label,
                min_value=-edge,
                max_value=edge,
                value=None,
                key=each,
                format="%.4f",
                on_change=place_typed,
                args=(wanted.name, keys),
            )


# The result


def built(raw: intake.Raw) -> intake.Built:
    """What the file gives as it is matched now; made anew when something was chosen."""
    matching, choices = state.get(MATCHING), decided()
    title = state.get(TITLE, "")
    key = (id(raw), repr(matching), repr(sorted(choices.items())), title, lang)
    if state.get(BUILT, (None,))[0] != key:
        with st.spinner(_("Checking every row …")):
            state[BUILT] = (key, intake.build(raw, matching, choices, title, lang=lang))
    return state[BUILT][1]


def decided() -> dict:
    """The choices of places that are complete."""
    return {
        name: choice
        for name, choice in state.get(CHOICES, {}).items()
        if choice != TYPED and not (isinstance(choice, tuple) and None in choice)
    }


def show_it() -> None:
    own.show(state[BUILT][1].dataset, own.UPLOADED, state[RAW].name)


def use_what_is_sound() -> None:
    """Go on without the unsound rows; how many that are, the sentence of every page says."""
    raw, asked = state[RAW], (state.get(MATCHING), decided(), state.get(TITLE, ""))
    try:
        sound = intake.build(raw, *asked, leave_out=True)
    except OSError as error:
        state["data.refused"] = error
        return
    if sound.dataset is None:
        state["data.nothing"] = True
    else:
        own.show(sound.dataset, own.UPLOADED, raw.name)


def show_built(raw: intake.Raw) -> None:
    if raw.kind == "table":
        heading(_("The result"))
        state["data.title-typed"] = state.get(TITLE, "")
        st.text_input(
            _("Title of the dataset"),
            key="data.title-typed",
            placeholder=Path(raw.name).stem,
            on_change=lambda: state.update({TITLE: state["data.title-typed"]}),
            width=420,
        )
    found = built(raw)
    if found.remarks:
        with st.expander(_("Read otherwise than it stands ({n})").format(n=len(found.remarks))):
            st.html(
                Markup('<ul class="data-remarks">{}</ul>').format(
                    Markup("").join(
                        Markup("<li>{}</li>").format(texts.remark(each, lang))
                        for each in found.remarks
                    )
                )
            )
    if state.pop("data.nothing", False):
        st.error(_("No row is sound, so there is nothing to show: mend the file first."))
    if refused := state.pop("data.refused", None):
        problems.show_refusal(refused, lang)
    if found.problems:
        show_unsound(raw, found)
    elif found.dataset is not None:
        show_sound(found.dataset)


def show_sound(made: datasets.Dataset) -> None:
    counts = (
        texts.plural(lang, "{n} claim", "{n} claims", len(made.claims)),
        texts.plural(lang, "{n} statement", "{n} statements", len(made.statements)),
        texts.plural(lang, "{n} place", "{n} places", len(made.places)),
        texts.plural(lang, "{n} source", "{n} sources", len(made.sources)),
    )
    st.success(_("Every row is sound: {counts}.").format(counts=_("; ").join(counts)))
    st.button(
        _("Show it on the map and on every page"),
        key="data.show",
        type="primary",
        on_click=show_it,
    )


def show_unsound(raw: intake.Raw, found: intake.Built) -> None:
    count = texts.plural(lang, "{n} problem", "{n} problems", len(found.problems))
    st.warning(_("{count}, all listed here at once.").format(count=count))
    show_problems(found.problems, raw.name)
    if all(problem.row is None for problem in found.problems):
        return  # the file as a whole is not understood yet
    st.button(
        _("Use what is sound"),
        key="data.sound",
        type="primary",
        on_click=use_what_is_sound,
        help=_(
            "Goes on without the rows that have a problem, and without what depends on them; "
            "every page then says how many rows were left out."
        ),
    )


def show_problems(problems: tuple[Problem, ...], file: str) -> None:
    rows = pd.DataFrame(
        {
            _("File"): [file if p.table == file else f"{file}: {p.table}" for p in problems],
            _("Row"): [p.row for p in problems],
            _("Field"): [fields.get(p.field, (p.field or "",))[0] for p in problems],
            _("Found"): [p.found or "" for p in problems],
            _("Expected"): [texts.expected(p, lang) for p in problems],
            _("How to mend it"): [texts.mend(p, lang) for p in problems],
        }
    ).astype({_("Row"): "Int64"})
    st.dataframe(rows.head(SHOWN_ROWS), hide_index=True, width="stretch")
    safe = rows.astype(object).map(lambda c: "" if pd.isna(c) else exports.plain_cell(str(c)))
    st.download_button(
        _("Download the problems (CSV)"),
        data=lambda: safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig"),
        file_name=f"{Path(file).stem}-problems.csv",
        mime="text/csv",
        key="data.problems",
        icon=":material/download:",
        on_click="ignore",
    )


PARTS = {"file": _("Bring a file"), "change": _("Change what is shown")}

show_header()
show_shown()
asked = sidebar.own("part")
state["data.part-shown"] = part = asked if asked in PARTS else "file"
st.segmented_control(
    _("What to do"),
    list(PARTS),
    key="data.part-shown",
    format_func=PARTS.get,
    required=True,
    label_visibility="collapsed",
    on_change=lambda: sidebar.set_own("part", state["data.part-shown"]),
)
with st.container(key="data"):
    if part == "change":
        editor.show(now)
    else:
        show_upload()
