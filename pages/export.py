"""What is shown as a file: picture, data or document, with a preview and how to get it again."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from markupsafe import Markup

from geo import files, texts
from geo import overlays as layers
from geo.files import FORMATS, FileError, Format, Picture
from pages import overlays, own, served, session, sidebar, snapshot

TYPED = ""  # among the names of views: the bounds as typed
DOTS = (96, 144, 300, 600)  # an inch
DEFAULTS = {"size": "a4-landscape", "colours": "light", "dpi": "300"}
MANY = 2000  # claims, beyond which a preview is drawn only when asked for
HEAD = 1500  # characters of a file of text that are shown

now = session.current()
whole, chosen, _ = now.whole, now.selection, now.translate
lang = chosen.lang
context = overlays.shown()


def keep(key: str) -> None:
    """Take what a widget of this page stands at into the address, unless it is the default."""
    value = st.session_state[f"export.{key}"]
    sidebar.set_own(key, "" if value == DEFAULTS.get(key) else value)


def keep_kind() -> None:
    first = files.by_kind(st.session_state["export.kind"])[0]
    sidebar.set_own(snapshot.OWN, first.name)


def keep_view() -> None:
    name = st.session_state["export.view"]
    edges = whole.view(chosen.view).bounds
    sidebar.set_own("bounds", "" if name else ",".join(f"{edge:g}" for edge in edges))
    if name:
        sidebar.choose("view", name)


def keep_bounds() -> None:
    edges = [st.session_state[f"export.{edge}"] for edge in ("west", "south", "east", "north")]
    sidebar.set_own("bounds", ",".join(f"{edge:.10g}" for edge in edges))


def pick(key: str, label: str, words: dict[str, str], value: str) -> str:
    """A choice of this page; what is chosen stands in the address."""
    st.session_state[f"export.{key}"] = value
    return st.selectbox(
        label, list(words), key=f"export.{key}", format_func=words.get, on_change=keep, args=(key,)
    )


def pick_own(key: str, label: str, words: dict[str, str]) -> str:
    asked = sidebar.own(key, DEFAULTS[key])
    return pick(key, label, words, asked if asked in words else DEFAULTS[key])


def choose_format() -> Format:
    kinds = {"picture": _("Picture"), "data": _("Data"), "document": _("Document")}
    current = FORMATS.get(sidebar.own(snapshot.OWN), FORMATS["png"])
    st.session_state["export.kind"] = current.kind
    st.radio(
        _("Kind of file"),
        [kind for kind in kinds if files.by_kind(kind)],
        key="export.kind",
        format_func=kinds.get,
        horizontal=True,
        on_change=keep_kind,
    )
    told = files.words(lang)
    titles = {form.name: told[form.name][0] for form in files.by_kind(current.kind)}
    pick(snapshot.OWN, _("Format"), titles, current.name)
    quiet(told[current.name][1])
    return current


def choose_view() -> str:
    """The view, of which the sidebar's link tells, or bounds; "" or the bounds as typed."""
    typed = sidebar.own("bounds")
    titles = {view.name: texts.in_language(vars(view), "title", lang) for view in whole.views}
    titles[TYPED] = _("Bounds as typed")
    shown = list(titles.values())
    # The widget tells its options apart by their words alone.
    titles = {k: t if shown.count(t) == 1 else f"{t} [{k}]" for k, t in titles.items()}
    st.session_state["export.view"] = TYPED if typed else chosen.view
    st.selectbox(
        _("View"),
        list(titles),
        key="export.view",
        format_func=titles.get,
        on_change=keep_view,
        help=_("Where you moved the map to is known to your browser alone: type it as bounds."),
    )
    if typed:
        values = files.edges(typed) or whole.view(chosen.view).bounds
        labels = {
            "west": _("West, degrees"),
            "south": _("South, degrees"),
            "east": _("East, degrees"),
            "north": _("North, degrees"),
        }
        columns = st.columns(2, gap="small") * 2
        for column, (edge, title), value in zip(columns, labels.items(), values, strict=True):
            st.session_state[f"export.{edge}"] = value
            column.number_input(
                title, key=f"export.{edge}", step=0.5, format="%.3f", on_change=keep_bounds
            )
    return typed


def choose_picture(form: Format) -> Picture:
    """The picture that is asked for; raises FileError where its bounds are none."""
    typed = choose_view()
    left, right = st.columns(2, gap="small")
    with left:
        size_mm = files.sizes()[pick_own("size", _("Size"), files.size_words(lang))]
    with right:
        theme = pick_own("colours", _("Colours"), files.colour_words(lang))
    picture = Picture(size_mm, theme)
    if form.suffix == ".png":
        dots = {str(count): texts.number(count, lang) for count in DOTS}
        picture = Picture(size_mm, theme, float(pick_own("dpi", _("Dots per inch"), dots)))
    quiet(files.measures(form, picture, lang))
    bounds = files.bounds(typed, lang) if typed else None
    return Picture(size_mm, theme, picture.dpi, bounds)


def show_file(form: Format, picture: Picture) -> bytes | None:
    """The button that makes the file, and once it is made the one that fetches it."""
    name = files.file_name(form, whole, chosen, picture)
    wanted = (whole.digest, chosen, form.name, picture, context)
    if st.session_state.get("export.made") != wanted:
        st.button(
            _("Make the file"),
            key="export.make",
            type="primary",
            icon=":material/build:",
            on_click=lambda: st.session_state.update({"export.made": wanted}),
            width="stretch",
        )
        quiet(name)
        return None
    with st.spinner(_("Making {name} …").format(name=sidebar.plain(name)), show_time=True):
        content = snapshot.make(whole, chosen, form.name, picture, context)
    st.download_button(
        _("Download"),
        data=content,
        file_name=name,
        mime=form.media_type,
        key="export.download",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    quiet(f"{name} ({files.size_of(content, lang)})")
    return content


def show_preview(picture: Picture) -> None:
    wanted = (whole.digest, chosen, picture, context)
    if len(now.kept.claims) > MANY and st.session_state.get("export.previewed") != wanted:
        quiet(_("With so many claims a preview takes minutes: it is drawn when you ask for it."))
        st.button(
            _("Draw the preview"),
            key="export.preview",
            on_click=lambda: st.session_state.update({"export.previewed": wanted}),
        )
        return
    with st.spinner(_("Drawing the preview …"), show_time=True):
        small = snapshot.preview(whole, chosen, picture, context)
        told = files.alt_text(whole, chosen, picture, context)
    with st.container(key="exportpreview"):
        st.image(small, alt=told)
    heading(_("Description, for those who cannot see the picture"))
    st.code(told, language=None, wrap_lines=True)


def show_beginning(content: bytes) -> None:
    heading(_("How the file begins"))
    text = content[: 4 * HEAD].decode("utf-8", errors="ignore")
    st.code(text[:HEAD], language=None, wrap_lines=True, height=300)


def show_ways_back(form: Format, picture: Picture) -> None:
    kept = {key: sidebar.own(key) for key in (snapshot.OWN, *DEFAULTS, "bounds")}
    query = chosen.to_query() | {key: [value] for key, value in kept.items() if value}
    heading(_("A link to this page as it stands"))
    start = (st.context.url or "").partition("?")[0]
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    st.code(start + asked, language=None, wrap_lines=True)
    heading(_("The command that makes the same file"))
    named = served.command_names(whole)
    if mine := own.current():
        named = (mine.command_path,)
    if mine or (context and form.has_map):
        quiet(_("Links and commands do not take your data along: the file is yours to keep."))
    line = files.command_line(form, whole, chosen, picture, named, context)
    st.code(line, language=None, wrap_lines=True)


def tell_context(form: Format) -> None:
    """Whether the viewer's own layers are in the file, where there are any."""
    if not context:
        return
    if form.has_map:
        told = layers.sentence(context, lang)
        quiet(_("{layers} Taken from the Map page, where they can be changed.").format(layers=told))
    else:
        quiet(_("Your context layers on the Map page are not in this file: it holds claims alone."))


def quiet(text: str) -> None:
    st.html(Markup("<p class='quiet export'>{}</p>").format(text))


def heading(text: str) -> None:
    st.html(Markup("<h2 class='export'>{}</h2>").format(text))


st.html(
    Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(
        _("Take it along"), now.sentence
    )
)
choices, result = st.columns([0.32, 0.68], gap="medium")
try:
    with choices:
        form = choose_format()
        picture = choose_picture(form) if form.kind == "picture" else Picture()
        tell_context(form)
        content = show_file(form, picture)
    with result:
        shown = st.container()
        # The preview last: it takes longest.
        show_ways_back(form, picture)
    with shown:
        if form.kind == "picture":
            show_preview(picture)
        elif content is not None and form.is_text:
            show_beginning(content)
except FileError as error:
    result.error(sidebar.plain(str(error)))
