"""The filters that stand on every page, and their copy in the page's address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date

import streamlit as st
from markupsafe import Markup

from geo import selection as selections
from geo import texts
from geo.dataset import Dataset
from geo.selection import FACETS, LAYERS, Selection

# Above this many values a list is too long to read, and a search box takes over.
_MANY = 24
_RESET = (*FACETS, "layer", "as_of")
_OWN = "own_keys"  # of the session's state: what the page that runs keeps in the address
_SET, _BEGAN = "set_keys", "began"  # the same: widgets set and not drawn since; where all began
# Of the session's state what no widget holds, but each run sets.
_OURS = {
    *("address", "arrived", "written", "stood", "session", "lacks_detail", "page", "measure"),
    *(_OWN, _SET, _BEGAN),
}
_SINGLE = ("as_of", "lang", "view", "claim")
_KEYS = {each.name for each in fields(Selection)}


def _box(layer: str) -> str:
    return f"layer.{layer}"


def _widgets(chosen: Selection) -> dict[str, object]:
    """The value of every widget, by key, at a selection."""
    values: dict[str, object] = {key: list(getattr(chosen, key)) for key in FACETS}
    values |= {_box(layer): layer in chosen.layer for layer in LAYERS}
    return values | {key: getattr(chosen, key) for key in _SINGLE}


def _store(chosen: Selection) -> None:
    """Set every widget to a selection, before the widgets are made."""
    for key, value in _widgets(chosen).items():
        choose(key, value)


def stored(dataset: Dataset) -> Selection:
    """The selection that the widgets stand at.

    Streamlit forgets a widget that a run did not come to: that one stands where it was.
    """
    written = st.session_state.get("written")
    last = st.session_state[_BEGAN] if written is None else _widgets(written)
    state = last | {key: st.session_state[key] for key in last if key in st.session_state}
    offered = selections.options(dataset)
    chosen = {key: tuple(v for v in offered[key] if v in state[key]) for key in FACETS}
    chosen["layer"] = tuple(layer for layer in LAYERS if state[_box(layer)])
    return Selection(**chosen, **{key: state[key] for key in _SINGLE})


def _address() -> dict[str, list[str]]:
    """The query as it stands in the page's address."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def _preferred() -> str:
    """The language of the viewer's browser, if the interface speaks it."""
    code = (st.context.locale or "").partition("-")[0]
    return code if code in texts.languages() else texts.DEFAULT_LANG


def language() -> str:
    """The language of this run, known before the dataset is: as ``read`` will find it."""
    state = st.session_state
    query = _address()
    if "lang" not in state or (query and query != state.get("address")):
        asked = query.get("lang", [""])[-1]
        return asked if asked in texts.languages() else _preferred()
    return state["lang"]


def read(dataset: Dataset, page: str) -> Selection:
    """The viewer's selection: from the address when it was changed there, else from the widgets.

    ``page`` names the page that runs: on the way to another one the address loses its query,
    which is no wish to lose the filters.
    """
    state = st.session_state
    query = _address()
    moved = page != state.get("page", page)
    state["page"] = page
    if moved:
        state.pop("measure", None)  # the map is new then, and knows nothing of it
        state[_OWN] = {}
    if query == state.get("address") or (moved and not query) or _is_late(dataset, query):
        return stored(dataset)
    chosen, ignored = selections.from_query({"lang": [_preferred()]} | query, dataset)
    if "written" in state:
        _store(chosen)
    else:
        state[_BEGAN] = _widgets(chosen)  # which ``show`` gives to the widgets
    state[_OWN] = {k: v[-1] for k, v in query.items() if v and k not in _KEYS}
    state["ignored"] = ignored
    state["view_moves"] = state.get("view_moves", 0) + 1
    return chosen


def _is_late(dataset: Dataset, query: dict[str, list[str]]) -> bool:
    """Whether the address differs only because the browser has not yet taken over our last one.

    A click made before it has comes with the address of before. Going back in the browser's
    history moves no widget.
    """
    state = st.session_state
    if "written" not in state:
        return False
    stood = state["stood"]
    # A button that was pressed then is not pressed now: no sign of a click.
    moved = any(v is not False and v != stood.get(k) for k, v in _standing().items())
    return moved or stored(dataset) != state["written"]


def _standing() -> dict[str, object]:
    """What the widgets of all kinds stand at, those of the pages too."""
    kinds = (bool, int, float, str, list, dict, tuple, date, type(None))
    items = st.session_state.items()
    return {k: v for k, v in items if k not in _OURS and isinstance(v, kinds)}


def write(chosen: Selection) -> None:
    """Put the selection into the address, where a copied link takes it along."""
    query = chosen.to_query()
    if chosen.lang == texts.DEFAULT_LANG != _preferred():
        query["lang"] = [chosen.lang]  # else the browser's own would come back with a reload
    query |= {key: [value] for key, value in st.session_state.get(_OWN, {}).items() if value}
    if query != _address():
        st.query_params.from_dict(query)
    st.session_state["address"] = query
    st.session_state["written"] = chosen
    st.session_state["stood"] = _standing()


def own(key: str, default: str = "") -> str:
    """What stands in the address under a key of the page that runs, such as a briefing's step."""
    return st.session_state.get(_OWN, {}).get(key, default)


def set_own(key: str, value: str) -> None:
    """Keep a value of the page that runs in the address; an empty one leaves it out."""
    st.session_state.setdefault(_OWN, {})[key] = value


def choose(key: str, value) -> None:
    """Set one of the choices (view, claim, lang, as_of, a filter); for callbacks of widgets."""
    st.session_state[key] = value
    st.session_state.setdefault(_SET, set()).add(key)


def _reset(chosen: Selection) -> None:
    kept = {k: st.session_state.get(k, getattr(chosen, k)) for k in ("lang", "view", "claim")}
    _store(replace(Selection(), **{k: v for k, v in kept.items() if v}))


def loosen(key: str, dataset: Dataset) -> None:
    """Take one filter off; for the button of an empty result."""
    default = getattr(Selection(), key)
    _store(replace(stored(dataset), **{key: default}))


def show_way_out(dataset: Dataset, chosen: Selection) -> None:
    """For a selection that keeps nothing: a button for each filter whose removal would help."""
    _ = texts.translator(chosen.lang)
    said = selections.phrases(dataset, chosen)
    for key, brings in selections.loosened(dataset, chosen):
        st.button(
            _("Drop the filter “{filter}” ({claims})").format(
                filter=plain(said[key]),
                claims=texts.plural(chosen.lang, "{n} claim", "{n} claims", brings),
            ),
            key=f"loosen.{key}",
            on_click=loosen,
            args=(key, dataset),
        )


def show_empty(dataset: Dataset, chosen: Selection) -> None:
    """That a selection keeps no claim, and the ways out of it."""
    _ = texts.translator(chosen.lang)
    filters = plain(_("; ").join(selections.phrases(dataset, chosen).values()))
    st.info(_("No claim is left: {filters}.").format(filters=filters))
    show_way_out(dataset, chosen)


def show(dataset: Dataset, chosen: Selection, sentence: str) -> None:
    """Draw the filters, and what they stand at, where the caller puts them.

    The first run of a session may be the answer to a click: a page that was open while the server
    was started anew tells what its widgets stand at, and they are ahead of the address. Where they
    are, all is run again.
    """
    first, starts = "written" not in st.session_state, _starts(chosen)
    lang = chosen.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    left = selections.counts(dataset, chosen)
    known = selections.source_names(dataset, lang)
    names = {"source": {s: known[s] for s in left["source"]}, **words}
    if ignored := st.session_state.get("ignored"):
        told = ", ".join(f"{key}={value}" for key, value in ignored)
        st.warning(
            _(
                "The link asked for something this dataset does not have; left out: {what}"
            ).format(what=plain(told))
        )
    st.html(Markup('<p class="sentence" role="status">{}</p>').format(sentence))
    pressed = st.button(
        _("Reset filters"),
        key="reset",
        on_click=_reset,
        args=(chosen,),
        disabled=all(getattr(chosen, k) == getattr(Selection(), k) for k in _RESET),
        width="stretch",
    )
    if pressed and first:  # nothing is called for a button that this session never drew
        _reset(chosen)
        starts = _starts(chosen)
    _heading(_("Layers"))
    helps = {
        "sourced": _("What is claimed, drawn as those who assert it tell it"),
        "denied": _("What is contested, crossed out, and where the denials were spoken"),
    }
    for layer in LAYERS:
        key = _box(layer)
        st.checkbox(words["layer"][layer], key=key, value=starts.get(key, False), help=helps[layer])
    titles = {
        "source": _("Source"),
        "confidence": _("Confidence"),
        "status": _("Status"),
        "theme": _("Theme"),
    }
    st.date_input(
        _("As of"),
        key="as_of",
        value=None,  # with a day here it could not be emptied
        min_value=None if dataset.days is None else dataset.days[0],
        max_value=None if dataset.days is None else dataset.days[1],
        format="YYYY-MM-DD",
        help=_("Show only what had been said by that day; empty for all"),
    )
    meanings = _("; ").join(
        _("{head}: {text}").format(head=words["status"][s], text=meaning)
        for s, meaning in words["status_help"].items()
    )
    for key in FACETS:
        meaning = meanings if key == "status" else None
        _facet(key, titles[key], names[key], left[key], meaning, starts.get(key))
    if len(texts.languages()) > 1:
        st.selectbox(
            _("Language"),
            texts.languages(),
            key="lang",
            index=texts.languages().index(starts.get("lang", texts.DEFAULT_LANG)),
            format_func=texts.own_name,
        )
    if first and (now := stored(dataset)) != chosen:
        write(now)
        st.rerun()


def _starts(chosen: Selection) -> dict[str, object]:
    """What the widgets start at, but those that were set: whatever the browser says comes first.

    It is the same all session long: a start that changed would be sent with every click, and the
    browser may come to draw a widget only with a later run.
    """
    state, values = st.session_state, _widgets(chosen)
    first = "written" not in state
    for key, value in values.items():
        may_start = first and key not in ("view", "claim") and not (key == "as_of" and value)
        if key not in state and not may_start:
            choose(key, value)
    told = state.pop(_SET, set())
    return {key: value for key, value in state[_BEGAN].items() if key not in told}


def _heading(text: str) -> None:
    st.html(f"<h3 class='facet'>{text}</h3>")


def plain(text: str) -> str:
    """A text of the data for a place where Streamlit reads Markdown: nothing in it has effect."""
    for sign in "\\`*_{}[]()<>#+-.!|~$:&":
        text = text.replace(sign, "\\" + sign)
    return text


def _facet(
    key: str,
    title: str,
    names: dict[str, str],
    left: dict[str, int],
    meaning: str | None,
    start: Sequence[str] | None,
) -> None:
    """One filter: its values with the claims each would leave; none chosen means all.

    ``start``: what it starts at (``_starts``).
    """
    shown = list(names.values())
    labels = {
        value: f"{names[value]} ({count})"
        # The widget tells its options apart by their words alone.
        if shown.count(names[value]) == 1
        else f"{names[value]} [{value}] ({count})"
        for value, count in left.items()
    }
    start = [value for value in start or [] if value in left]
    if len(left) > _MANY:
        # It forgets a choice whose words change, as the counts do: remind it on every run.
        if "written" in st.session_state:
            st.session_state[key] = st.session_state.get(key, [])
            start = []
        st.multiselect(
            title, list(left), default=start, key=key, format_func=labels.get, help=meaning
        )
        return
    st.pills(
        title,
        list(left),
        selection_mode="multi",
        default=start,
        key=key,
        format_func=lambda value: plain(labels[value]),
        help=meaning,
    )
