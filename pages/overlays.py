"""The reader's own layers under the claims, and online tiles: chosen beside the map.

Kept in the viewer's session alone. What the map draws of them goes into the viewer's own page,
packed, and the map's script takes it from there; a click afterwards costs their names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import streamlit as st
from markupsafe import Markup

from geo import overlays, texts, webdata
from geo.dataset import DatasetError, Problem
from geo.overlays import Drawing, Overlay, Styled, Tiles
from pages import guard, sidebar
from pages.session import Session

MOST = 6  # layers of one viewer
OPACITY = round(100 * overlays.OPACITY)  # %

_HELD = "overlays"
_TILES = "overlays.tiles"
_FAILED = "overlays.failed"
_ROUND = "overlays.round"  # grows with each upload: a new number empties the widget


@dataclass(eq=False)
class Held:
    """A layer that the viewer brought along, and how they want it shown."""

    number: int
    raw: bytes  # only where another of the file's layers may still be asked for
    overlay: Overlay
    drawing: Drawing
    shapes: tuple[str, str]  # name and packed text, as all that is handed over
    shown: bool = True
    field: str = ""
    label: str = ""
    opacity: int = OPACITY
    attribution: str = ""
    look: tuple[str, str] = ("", "")
    look_of: tuple = ()

    @property
    def styled(self) -> Styled:
        """The same as the files draw it."""
        return Styled(
            self.overlay,
            self.drawing,
            self.field or None,
            self.label or None,
            self.opacity / 100,
            self.attribution.strip(),
        )


def _held() -> list[Held]:
    return st.session_state.setdefault(_HELD, [])


def _look(each: Held, lang: str) -> tuple[str, str]:
    wanted = (each.overlay, each.field or None, each.label or None, each.attribution, lang)
    if each.look_of != wanted:
        each.look = webdata.packed("look", overlays.content(*wanted))
        each.look_of = wanted
    return each.look


def _tiles() -> dict[str, Tiles]:
    """The online maps that a browser may ask for: the server's policy has the last word."""
    return {name: each for name, each in overlays.tiles().items() if each.host in guard.MAP_POLICY}


def context(now: Session) -> dict | None:
    """What the map is told of the layers and tiles in this run; None where there are none."""
    lang = now.selection.lang
    chosen = _tiles().get(st.session_state.get(_TILES, ""))
    shown = [each for each in _held() if each.shown]
    if not shown and chosen is None:
        return None
    return {
        "overlays": [
            {"shapes": each.shapes[0], "look": _look(each, lang)[0], "opacity": each.opacity / 100}
            for each in shown
        ],
        "tiles": webdata.packed("tiles", asdict(chosen))[0] if chosen else "",
    }


def shown() -> tuple[Styled, ...]:
    """The layers on the viewer's map, from below, for the files that show a map."""
    return tuple(each.styled for each in _held() if each.shown)


def hand_over(now: Session) -> None:
    """Put what ``context`` names into the viewer's page; what it had before is not sent again."""
    chosen = _tiles().get(st.session_state.get(_TILES, ""))
    named = [webdata.packed("tiles", asdict(chosen))] if chosen else []
    for each in _held():
        if each.shown:
            named += [each.shapes, _look(each, now.selection.lang)]
    for name, text in dict(named).items():
        st.html(Markup('<div data-handed="{}" hidden>{}</div>').format(name, text))


# What the widgets do


def _take(raw: bytes, name: str, layer: str | None, held: Held | None = None) -> None:
    """Read an uploaded file, or another layer of one; what is wrong with it is told later."""
    try:
        overlay = overlays.read(raw, name, layer)
        drawing = overlays.simplify(overlay)
    except DatasetError as error:
        st.session_state.setdefault(_FAILED, []).extend(error.problems)
        return
    except OSError as error:  # no room on the server to unpack it
        refused = Problem(name, None, None, error.strerror, "disk")
        st.session_state.setdefault(_FAILED, []).append(refused)
        return
    shapes = webdata.packed("shapes", drawing.shapes)
    numbers = [each.number for each in _held()]
    fresh = Held(
        held.number if held else max(numbers, default=0) + 1,
        raw if len(overlay.layers) > 1 else b"",
        overlay,
        drawing,
        shapes,
        label=overlays.likely_label(overlay) or "",
        attribution=overlay.attribution,
    )
    if held is None:
        _held().append(fresh)
    else:
        fresh.shown, fresh.opacity = held.shown, held.opacity
        fresh.attribution = held.attribution
        _held()[_held().index(held)] = fresh


def _uploaded() -> None:
    st.session_state[_FAILED] = []
    for file in st.session_state[f"overlays.files.{st.session_state.get(_ROUND, 0)}"]:
        if len(_held()) >= MOST:
            full = Problem(file.name, None, None, None, "overlay-room", str(MOST))
            st.session_state[_FAILED].append(full)
            continue
        _take(file.getvalue(), file.name, None)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _set(each: Held, what: str) -> None:
    setattr(each, what, st.session_state[_key(each, what)])


def _set_layer(each: Held) -> None:
    st.session_state[_FAILED] = []
    _take(each.raw, each.overlay.name, st.session_state[_key(each, "layer")], each)


def _set_tiles() -> None:
    st.session_state[_TILES] = st.session_state["overlays.choice"]


def _move(each: Held, by: int) -> None:
    at = _held().index(each)
    to = min(max(at + by, 0), len(_held()) - 1)
    _held().insert(to, _held().pop(at))


def _remove(each: Held) -> None:
    _held().remove(each)


def _key(each: Held, what: str) -> str:
    return f"overlays.{each.number}.{what}"


# The widgets


def show(now: Session) -> None:
    """The button beside the map, and what it opens: layers to bring along, and online tiles."""
    _ = now.translate
    opened = st.popover(
        _("Context"), key="overlays.open", on_change="rerun", icon=":material/layers:"
    )
    if not opened.open:
        return
    with opened, st.container(key="overlaysbox"):
        st.markdown(
            _("Your own layers under the claims, such as front lines or districts: context only.")
        )
        _show_upload(now)
        # The uppermost first, as they lie.
        for each in reversed(list(_held())):
            _show_held(now, each)
        if _held():
            st.caption(_("On this map, and in the pictures, reports and web pages you make of it."))
        _show_tiles(now)


def _show_upload(now: Session) -> None:
    _, lang = now.translate, now.selection.lang
    count = st.session_state.get(_ROUND, 0)
    if len(_held()) < MOST:
        st.file_uploader(
            _("Add layers: GeoJSON, GeoPackage, KML or a zipped shapefile"),
            key=f"overlays.files.{count}",
            accept_multiple_files=True,
            on_change=_uploaded,
            max_upload_size=overlays.MOST_BYTES // 1_000_000,
        )
        st.caption(
            _(
                "Up to {size} a file and {count} layers. They stay in this session, for you alone, "
                "and are gone with a reload."
            ).format(size=overlays.megabytes(overlays.MOST_BYTES), count=MOST)
        )
    else:
        st.caption(_("{count} layers is all there is room for.").format(count=MOST))
    for problem in st.session_state.get(_FAILED, ()):
        st.error(sidebar.plain(texts.problem(problem, lang)))


def _show_held(now: Session, each: Held) -> None:
    _, lang = now.translate, now.selection.lang
    overlay = each.overlay
    name = sidebar.plain(overlays.title(overlay))
    with st.container(border=True, key=f"overlay-{each.number}"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.session_state[_key(each, "shown")] = each.shown
            st.checkbox(name, key=_key(each, "shown"), on_change=_set, args=(each, "shown"))
            at, last = _held().index(each), len(_held()) - 1
            for by, icon, words in (
                (1, ":material/arrow_upward:", _("Move up")),
                (-1, ":material/arrow_downward:", _("Move down")),
            ):
                st.button(
                    f"{words}: {name}",
                    icon=icon,
                    key=_key(each, "up" if by > 0 else "down"),
                    disabled=at == (last if by > 0 else 0),
                    on_click=_move,
                    args=(each, by),
                )
            st.button(
                _("Remove {name}").format(name=name),
                icon=":material/delete:",
                key=_key(each, "remove"),
                on_click=_remove,
                args=(each,),
            )
        left, right = st.columns(2, gap="small")
        fields = {field.name: field.name for field in overlay.fields}
        if len(overlay.layers) > 1:
            with left:
                _pick(each, "layer", _("Layer"), {layer: layer for layer in overlay.layers})
        with right if len(overlay.layers) > 1 else left:
            _pick(each, "field", _("Colour by"), {"": _("one quiet grey")} | fields)
        with left if len(overlay.layers) > 1 else right:
            _pick(each, "label", _("Name under the pointer"), {"": _("none")} | fields)
        with right if len(overlay.layers) > 1 else left:
            st.session_state[_key(each, "opacity")] = each.opacity
            st.slider(
                _("Opacity"),
                10,
                100,
                step=10,
                format="%d%%",
                key=_key(each, "opacity"),
                on_change=_set,
                args=(each, "opacity"),
            )
        st.session_state[_key(each, "attribution")] = each.attribution
        st.text_input(
            _("Whose data is it? Shown at the map's lower edge"),
            key=_key(each, "attribution"),
            max_chars=200,
            on_change=_set,
            args=(each, "attribution"),
        )
        told = [overlays.told(each.drawing, lang), *overlays.notes(overlay, lang)]
        if not each.attribution.strip():
            told.insert(0, _("Without a source nobody can judge it: please name one."))
        st.html(Markup("<p class='overlay-told'>{}</p>").format(" ".join(told)))


def _pick(each: Held, what: str, label: str, words: dict) -> None:
    st.session_state[_key(each, what)] = each.overlay.layer if what == "layer" else vars(each)[what]
    own = _set_layer if what == "layer" else _set
    st.selectbox(
        label,
        list(words),
        key=_key(each, what),
        format_func=words.get,
        on_change=own,
        args=(each,) if what == "layer" else (each, what),
    )


def _show_tiles(now: Session) -> None:
    _ = now.translate
    offered = _tiles()
    if not offered:
        return
    words = {
        "OpenStreetMap.Mapnik": _("Streets and places"),
        "OpenTopoMap": _("Topographic map"),
        "UN.ClearMap": _("United Nations base map"),
        "Esri.WorldImagery": _("Satellite and aerial imagery"),
        "Esri.WorldShadedRelief": _("Relief"),
        "NASAGIBS.BlueMarble": _("Satellite mosaic without clouds"),
    }
    hosts = {name: f"{words[name]} ({each.host})" for name, each in offered.items()}
    st.session_state["overlays.choice"] = st.session_state.get(_TILES, "")
    st.selectbox(
        _("Online map below the claims"),
        ["", *hosts],
        key="overlays.choice",
        format_func=lambda name: hosts.get(name) or _("none: the bundled map, no network"),
        on_change=_set_tiles,
    )
    st.html(
        Markup("<p class='overlay-told'>{}</p>").format(
            _(
                "If you choose one, your browser fetches its pictures from the host in brackets, "
                "which thereby learns your address, perhaps that of this dashboard, and what part "
                "of the map you look at. Its borders and names are its own. The choice ends with a "
                "reload."
            )
        )
    )
