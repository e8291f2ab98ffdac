"""The filters that stand on every page, and their copy in the page's address."""

from __future__ import annotations

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
# Of the session's state what no widget holds, but each run sets.
_OURS = {
    *("address", "arrived", "written", "stood", "session", "lacks_detail", "page", "measure"),
    _OWN,
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
        st.session_state[key] = value


def stored(dataset: Dataset) -> Selection:
    """The selection that the widgets stand at.

    Streamlit forgets a widget that a run did not come to: that one stands where it was.
    """
    last = _widgets(st.session_state.get("written", Selection()))
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
    _store(chosen)
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
    """Set one of the single choices (view, claim, lang, as_of); for callbacks of widgets."""
    st.session_state[key] = value


def _reset() -> None:
    kept = {key: st.session_state.get(key) for key in ("lang", "view", "claim")}
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
    """Draw the filters, and what they stand at, where the caller puts them."""
    for key, value in _widgets(chosen).items():
        st.session_state.setdefault(key, value)
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
    st.button(
        _("Reset filters"),
        on_click=_reset,
        disabled=all(getattr(chosen, k) == getattr(Selection(), k) for k in _RESET),
        width="stretch",
    )
    _heading(_("Layers"))
    helps = {
        "sourced": _("What is claimed, drawn as those who assert it tell it"),
        "denied": _("What is contested, crossed out, and where the denials were spoken"),
    }
    for layer in LAYERS:
        st.checkbox(words["layer"][layer], key=_box(layer), help=helps[layer])
    titles = {
        "source": _("Source"),
        "confidence": _("Confidence"),
        "status": _("Status"),
        "theme": _("Theme"),
    }
    st.date_input(
        _("As of"),
        key="as_of",
        value=None,
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
        _facet(key, titles[key], names[key], left[key], meanings if key == "status" else None)
    if len(texts.languages()) > 1:
        st.selectbox(
            _("Language"),
            texts.languages(),
            key="lang",
            format_func=texts.own_name,
        )


def _heading(text: str) -> None:
    st.html(f"<h3 class='facet'>{text}</h3>")


def plain(text: str) -> str:
    """A text of the data for a place where Streamlit reads Markdown: nothing in it has effect."""
    for sign in "\\`*_{}[]()<>#+-.!|~$:&":
        text = text.replace(sign, "\\" + sign)
    return text


def _facet(
    key: str, title: str, names: dict[str, str], left: dict[str, int], meaning: str | None
) -> None:
    """One filter: its values with the claims each would leave; none chosen means all."""
    shown = list(names.values())
    labels = {
        value: f"{names[value]} ({count})"
        # The widget tells its options apart by their words alone.
        if shown.count(names[value]) == 1
        else f"{names[value]} [{value}] ({count})"
        for value, count in left.items()
    }
    if len(left) > _MANY:
        # It forgets a choice whose words change, as the counts do: remind it on every run.
        st.session_state[key] = st.session_state.get(key, [])
        st.multiselect(title, list(left), key=key, format_func=labels.get, help=meaning)
        return
    st.pills(
        title,
        list(left),
        selection_mode="multi",
        key=key,
        format_func=lambda value: plain(labels[value]),
        help=meaning,
    )
