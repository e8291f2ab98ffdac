"""The part of the page “Your data” in which a dataset is changed: tables, a map, and saving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import edits, texts, webmap
from geo.dataset import DatasetError, Problem, schema
from geo.edits import Conflict, Edit
from pages import own, served, session, sidebar
from pages.session import Session

TABLES = ("claims", "statements", "places", "sources", "features")
MAP = "edit.map"
REACH_DEG = 1.5  # of the map on which a place is moved, to each side of it
# What a new row stands at: nothing is taken for surer than it was said to be.
DEFAULTS = {
    "claims": {"date_precision": "day", "confidence": "unassessed"},
    "statements": {"date_precision": "day", "credibility": "6"},
    "places": {"located_by": "approximate", "uncertainty_m": 10_000.0},
    "sources": {"reliability": "F"},
    "features": {"basis": "reported"},
}
NAMES = {"sources": "name", "places": "name", "claims": "title", "briefing": "title"}
# What the reference of a place says whose position was set by hand.
BY_HAND = "set by hand on the map"


def show(now: Session) -> None:
    """Change the dataset that is shown, as the viewer's own copy of it."""
    mine, _ = own.current(), now.translate
    if mine is None:
        st.html(
            Markup('<p class="data-note">{}</p>').format(
                _(
                    "Changes are made to a copy that only you see. The dataset that everybody "
                    "sees stays as it is until somebody saves the copy in its place."
                )
            )
        )
        st.button(
            _("Change a copy of this dataset"),
            key="edit.begin",
            type="primary",
            icon=":material/edit:",
            on_click=_attempt,
            args=(own.show_copy, now.selection.lang),
        )
        _show_failure(now)
        return
    _Editor(now, mine).show()


def table_words(lang: str) -> dict[str, str]:
    """The names of the tables."""
    _ = texts.translator(lang)
    return {
        "claims": _("Claims"),
        "statements": _("Statements"),
        "places": _("Places"),
        "sources": _("Sources"),
        "features": _("On the map"),
        "briefing": _("Briefing"),
    }


def column_words(lang: str) -> dict[str, str]:
    """The names of the columns of all tables."""
    _ = texts.translator(lang)
    french = _("{field}, French")
    words = {
        "title": _("Title"),
        "name": _("Name"),
        "summary": _("Summary"),
        "text": _("Text"),
        "speaker": _("Speaker"),
        "quote": _("Quotation"),
        "unit": _("Unit"),
        "confidence_rationale": _("Why that confidence"),
        "reliability_rationale": _("Why that letter"),
        "rationale": _("Why that digit"),
        "note": _("Note"),
    }
    words |= {f"{name}_fr": french.format(field=word) for name, word in words.items()}
    return words | {
        "theme": _("Theme"),
        "event_start": _("First day of the event"),
        "event_end": _("Last day of the event"),
        "date_precision": _("How exact the date is"),
        "confidence": _("Confidence"),
        "claim": _("Claim"),
        "source": _("Source"),
        "origin": _("Whose information it repeats"),
        "stance": _("Stance"),
        "scope": _("Scope of a denial"),
        "date": _("Date"),
        "credibility": _("Credibility"),
        "place": _("Place"),
        "reference": _("Reference"),
        "kind": _("Kind"),
        "country": _("Country (two letters)"),
        "reliability": _("Reliability"),
        "url": _("Address on the web"),
        "name_local": _("Local name"),
        "lon": _("Longitude"),
        "lat": _("Latitude"),
        "uncertainty_m": _("Uncertainty, m"),
        "located_by": _("Located by"),
        "approach": _("Way in by sea"),
        "to_place": _("To place"),
        "mode": _("How it goes"),
        "basis": _("Basis"),
        "quantity": _("Quantity"),
        "claimed_km": _("Stated distance, km"),
        "claimed_direction": _("Stated direction"),
        "id": _("Identifier"),
        "step": _("Step"),
    }


def value_words(table: str, field: str, lang: str) -> dict[str, str]:
    """The words for each value of a closed list, by value."""
    _, terms = texts.translator(lang), texts.terms(lang)
    if field == "kind" and table != "sources":
        return {
            "port": _("port"),
            "city": _("city"),
            "settlement": _("settlement"),
            "base": _("base"),
            "coast": _("coast"),
            "region": _("region"),
            "capital": _("capital"),
            "place": _("a place"),
            "route": _("a route"),
            "distance": _("a distance"),
        }
    if field in ("credibility", "reliability"):
        return {
            code: _("{head}: {text}").format(head=code, text=word)
            for code, word in terms[field].items()
        }
    own_words = {
        "date_precision": {
            "day": _("to the day"),
            "week": _("to the week"),
            "month": _("to the month"),
            "unknown": _("not known"),
        },
        "mode": {
            "sea": _("by sea"),
            "land": _("by land"),
            "air": _("by air"),
            "unknown": _("not known"),
        },
        "claimed_direction": terms["wind"],
    }
    return own_words.get(field) or terms.get(field, {})


def row_name(tables: edits.Tables, table: str, row: str, lang: str) -> str:
    """What a row is called where it is spoken of; of one without a name what it is about."""
    frame = tables[table]
    if row not in frame.index:
        return row
    cells = frame.loc[row]
    if table in NAMES:
        return texts.in_language(cells, NAMES[table], lang) or row
    about = row_name(tables, "claims", cells["claim"], lang)
    other = ("sources", cells["source"]) if table == "statements" else ("places", cells["place"])
    return f"{row_name(tables, *other, lang)} · {about}"


def problem_rows(problems: tuple[Problem, ...], tables: edits.Tables, lang: str) -> pd.DataFrame:
    """The problems of tables that are being changed, one a row, in words."""
    _ = texts.translator(lang)
    named, fields = table_words(lang), column_words(lang)

    def entry(found: Problem) -> str:
        frame = tables.get(found.table)
        if frame is None or found.row is None or not 2 <= found.row < len(frame) + 2:
            return ""
        return row_name(tables, found.table, frame.index[found.row - 2], lang)

    return pd.DataFrame(
        {
            _("Table"): [named.get(p.table, p.table) for p in problems],
            _("Entry"): [entry(p) for p in problems],
            _("Field"): [fields.get(p.field, p.field or "") for p in problems],
            _("Found"): [p.found or "" for p in problems],
            _("Expected"): [texts.expected(p, lang) for p in problems],
        }
    )


class _Editor:
    """One run of the editing part: what it shows, and what its widgets do."""

    def __init__(self, now: Session, mine: own.Own):
        self.now, self.mine = now, mine
        self.lang, self._ = now.selection.lang, now.translate
        asked = sidebar.own("table")
        self.table = asked if asked in TABLES else TABLES[0]
        self.tables = mine.history.now

    def show(self) -> None:
        self.show_top()
        self.show_grid()
        self.show_problems()
        if self.table == "places":
            self.show_places()
        self.show_conflicts()
        self.show_saving()
        self.show_changes()

    # Who, why, undo and redo, which table

    def show_top(self) -> None:
        _, history = self._, self.mine.history
        with st.container(horizontal=True, vertical_alignment="bottom", key="edit-top"):
            for key, label, wide in (
                ("author", _("Your name, for the list of changes"), 310),
                ("note", _("Why you change it"), 380),
            ):
                st.session_state[f"edit.{key}"] = st.session_state.get(f"own.{key}", "")
                st.text_input(
                    label, key=f"edit.{key}", on_change=self.kept, args=(key,), width=wide
                )
            for key, label, icon, act, changes in (
                ("undo", _("Undo"), "undo", own.undo, history.done),
                ("redo", _("Redo"), "redo", own.redo, history.undone),
            ):
                st.button(
                    f"{label} ({len(changes)})" if changes else label,
                    key=f"edit.{key}",
                    icon=f":material/{icon}:",
                    disabled=not changes,
                    on_click=_renewed,
                    args=(act,),
                )
        st.session_state["edit.table"] = self.table
        st.segmented_control(
            _("Table"),
            TABLES,
            key="edit.table",
            format_func=table_words(self.lang).get,
            required=True,
            label_visibility="collapsed",
            on_change=lambda: sidebar.set_own("table", st.session_state["edit.table"]),
        )

    def kept(self, key: str) -> None:
        st.session_state[f"own.{key}"] = st.session_state[f"edit.{key}"]

    def told(self) -> tuple[str, str]:
        """Who changes, and why, as typed so far."""
        state = st.session_state
        return state.get("own.author", ""), state.get("own.note", "")

    # The table

    def show_grid(self) -> None:
        key = f"edit.grid.{self.table}.{st.session_state.get('edit.turn', 0)}"
        if key not in st.session_state:
            # The grid keeps what was typed since it came; it must not be given that again.
            st.session_state["edit.base"] = self.tables[self.table]
        st.data_editor(
            self.display(st.session_state["edit.base"]),
            key=key,
            num_rows="dynamic",
            hide_index=True,
            column_config=self.columns(),
            on_change=self.take,
            args=(key,),
            height=min(35 * (len(self.tables[self.table]) + 2) + 3, 420),
            width="stretch",
            placeholder="",
        )

    def take(self, key: str) -> None:
        """Take over what was typed into the grid."""
        mine = own.current()
        target = edits.typed(st.session_state["edit.base"], self.table, st.session_state[key])
        made = edits.diff(mine.history.now, dict(mine.history.now) | {self.table: target})
        own.change(made, *self.told())

    def display(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table with the types that its columns are shown and typed in."""
        shown = frame.reset_index(drop=True)
        for each in schema(self.table)["fields"]:
            name = each["name"]
            if name not in shown:
                continue
            if each["type"] == "date":
                shown[name] = pd.to_datetime(shown[name], errors="coerce", format="%Y-%m-%d")
            elif self.options(each) is not None:
                shown[name] = shown[name].replace("", None).astype(object)
            elif each["type"] in ("number", "integer"):
                shown[name] = pd.to_numeric(shown[name], errors="coerce")
        french = [name for name in shown if name.endswith("_fr")]
        order = [name for name in shown if name not in french] + french
        return shown[order]

    def options(self, field: dict) -> dict[str, str] | None:
        """What a cell may hold, in words, where that is a closed list; None where it is not."""
        rules = field.get("constraints", {})
        if field["name"] == "credibility":
            return value_words(self.table, "credibility", self.lang)
        if "enum" in rules:
            words = value_words(self.table, field["name"], self.lang)
            return {value: words.get(value, value) for value in rules["enum"]}
        for key in schema(self.table).get("foreignKeys", []):
            if key["fields"][0] == field["name"]:
                other = key["reference"]["resource"]
                named = {
                    r: row_name(self.tables, other, r, self.lang) for r in self.tables[other].index
                }
                shown = list(named.values())
                return {r: n if shown.count(n) == 1 else f"{n} [{r}]" for r, n in named.items()}
        return None

    def columns(self) -> dict:
        words, kinds = column_words(self.lang), st.column_config
        found = {}
        for each in schema(self.table)["fields"]:
            name, rules = each["name"], each.get("constraints", {})
            if name == edits.key_of(self.table):
                continue
            options = self.options(each)
            common = {
                "required": rules.get("required", False),
                "default": DEFAULTS[self.table].get(name),
            }
            if options is not None:
                found[name] = kinds.SelectboxColumn(
                    words[name], options=list(options), format_func=options.get, **common
                )
            elif each["type"] == "date":
                found[name] = kinds.DateColumn(words[name], format="YYYY-MM-DD", **common)
            elif each["type"] in ("number", "integer"):
                found[name] = kinds.NumberColumn(
                    words[name],
                    min_value=rules.get("minimum"),
                    max_value=rules.get("maximum"),
                    **common,
                )
            else:
                wide = {"title": "large", "name": "medium", "summary": "medium"}.get(name)
                found[name] = kinds.TextColumn(
                    words[name], validate=rules.get("pattern"), width=wide, **common
                )
        return found

    def show_problems(self) -> None:
        _, found = self._, self.mine.problems
        if not found:
            return
        count = texts.plural(self.lang, "{n} problem", "{n} problems", len(found))
        st.warning(
            _("{count}: the other pages keep showing the last sound state until this is mended.")
            .format(count=count)
        )  # fmt: skip
        st.dataframe(problem_rows(found, self.tables, self.lang), hide_index=True, width="stretch")

    # Places on the map

    def show_places(self) -> None:
        _, frame = self._, self.tables["places"]
        # A place that is not sound has no position to start from.
        placed = [p for p in frame.index if p in self.now.whole.places.index]
        if not placed:
            return
        names = {p: row_name(self.tables, "places", p, self.lang) for p in placed}
        shown = list(names.values())
        labels = {p: n if shown.count(n) == 1 else f"{n} [{p}]" for p, n in names.items()}
        stood = st.session_state.get("own.place")
        st.session_state["edit.place"] = place = stood if stood in labels else placed[0]
        st.selectbox(
            _("Place to move on the map"),
            list(labels),
            key="edit.place",
            format_func=labels.get,
            on_change=lambda: st.session_state.update(
                {"own.place": st.session_state["edit.place"]}
            ),
            width=380,
        )
        st.html(
            Markup('<p class="data-note">{}</p>').format(
                _(
                    "Drag the ring, or click where the place is; then set its uncertainty in the "
                    "table. A place set by hand counts as approximate. Without a mouse, type its "
                    "longitude and latitude into the table."
                )
            )
        )
        point = self.now.whole.places.loc[place]
        lon, lat = float(point["lon"]), float(point["lat"])
        reach = max(REACH_DEG, 3 * float(point["uncertainty_m"]) / 111_000)
        reach = min(reach, 40.0)
        layer = webmap.update(
            files=session.map_files(self.now.whole, self.lang),
            visible=session.visible(self.now),
            selected=-1,
            view=(
                lon - 1.6 * reach,
                max(lat - reach, -85),
                lon + 1.6 * reach,
                min(lat + reach, 85),
            ),
            # Not the position: a place that was moved stays where it is seen.
            view_token=f"{place}-{self.now.view_moves}",
            show_token=0,
            interactive=False,
            handle={"lon": lon, "lat": lat},
        )
        with st.container(key="edit-map"):
            st_folium(
                webmap.base_map(session.ASSETS, mover=True),
                key=MAP,
                feature_group_to_add=layer,
                returned_objects=[],
                use_container_width=True,
                height=380,
                render=False,
                on_change=lambda: self.moved(place),
            )

    def moved(self, place: str) -> None:
        """Take over where the handle of a place was left."""
        move_place(place, (st.session_state.get(MAP) or {}).get("moved"), *self.told())

    # Saving

    def show_conflicts(self) -> None:
        _, conflicts = self._, st.session_state.get("edit.conflicts")
        if conflicts is None:
            return
        st.warning(
            _(
                "Someone else saved this dataset since you began. Nothing of yours or theirs is "
                "lost: what does not contradict is joined, and below you choose for the rest."
            )
        )
        words, fields = table_words(self.lang), column_words(self.lang)
        rows = pd.DataFrame(
            {
                "mine": [False] * len(conflicts),
                "table": [words[c.table] for c in conflicts],
                "entry": [row_name(self.tables, c.table, c.row, self.lang) for c in conflicts],
                "field": [fields.get(c.field, c.field or _("whole row")) for c in conflicts],
                "base": [self.side(c.base) for c in conflicts],
                "own": [self.side(c.mine) for c in conflicts],
                "theirs": [self.side(c.theirs) for c in conflicts],
            }
        )
        kinds = st.column_config
        if len(rows):
            rows = st.data_editor(
                rows,
                key="edit.settling",
                hide_index=True,
                disabled=[name for name in rows if name != "mine"],
                column_config={
                    "mine": kinds.CheckboxColumn(_("Take yours")),
                    "table": kinds.TextColumn(_("Table")),
                    "entry": kinds.TextColumn(_("Entry")),
                    "field": kinds.TextColumn(_("Field")),
                    "base": kinds.TextColumn(_("Before")),
                    "own": kinds.TextColumn(_("Yours")),
                    "theirs": kinds.TextColumn(_("Theirs")),
                },
                width="stretch",
            )
        else:
            st.html(Markup("<p>{}</p>").format(_("Your changes and theirs do not contradict.")))
        wins = [c for c, yours in zip(conflicts, rows["mine"], strict=True) if yours]
        theirs = st.session_state["own.theirs"]
        with st.container(horizontal=True):
            st.button(
                _("Join both"),
                key="edit.join",
                type="primary",
                on_click=self.join,
                args=(wins,),
                help=_("Nothing is saved yet: look at the result, then save again."),
            )
            st.download_button(
                _("Download theirs"),
                data=edits.packed(theirs),
                file_name="theirs.zip",
                mime="application/zip",
                key="edit.theirs",
                on_click="ignore",
            )
            st.button(_("Drop yours, take theirs"), key="edit.drop", on_click=self.drop)

    def side(self, value: object) -> str:
        if value is None:
            return self._("(not there)")
        return value if isinstance(value, str) else "; ".join(cell for _name, cell in value.cells)

    def join(self, wins: list[Conflict]) -> None:
        st.session_state.pop("edit.conflicts")
        _renewed(lambda: own.settle(wins, *self.told()))

    def drop(self) -> None:
        if _attempt(own.show_copy, self.lang):
            st.session_state.pop("edit.conflicts")
            st.session_state.pop("own.theirs", None)
            _renewed(lambda: None)

    def show_saving(self) -> None:
        _, mine = self._, self.mine
        with st.container(horizontal=True, vertical_alignment="center", key="edit-saving"):
            st.download_button(
                _("Download as a package (.zip)"),
                data=lambda: edits.packed(mine.edited, mine.history.done),
                file_name=f"{mine.dataset.name or 'dataset'}-{datetime.now(UTC):%Y-%m-%d}.zip",
                mime="application/zip",
                key="edit.download",
                icon=":material/download:",
                type="secondary" if mine.saves else "primary",
                on_click="ignore",
            )
            if mine.saves is not None:
                st.button(
                    _("Save in its place"),
                    key="edit.save",
                    type="primary",
                    icon=":material/save:",
                    disabled=not (mine.history.done and self.told()[0] and not mine.problems),
                    on_click=self.save,
                    help=_("For everybody. It needs your name, a change, and no problem."),
                )
        if st.session_state.pop("edit.saved", False):
            st.success(
                _("Saved. The database keeps who changed what, when and why.")
                if served.database_url()
                else _("Saved. The version before is kept in the folder “versions” of the dataset.")
            )
        _show_failure(self.now)
        if mine.origin == own.COPY and mine.saves is None:
            self.show_how_to_save()

    def show_how_to_save(self) -> None:
        _ = self._
        if served.database_url():
            with st.expander(_("Saving in the database")):
                st.markdown(
                    _(
                        "Started with `{variable}=1`, the app writes to the database of its "
                        "dataset, as far as its user there may. It is off unless you say so, "
                        "because then everyone who opens the app can change what all see. Each "
                        "save is one transaction, and the table `audit` keeps who changed what, "
                        "and why."
                    ).format(variable=served.EDITABLE)
                )
            return
        with st.expander(_("Saving in the dataset’s own folder")):
            st.markdown(
                _(
                    "On a machine of your own the app may write to the folder of its dataset: "
                    "start it with `{variable}=1`, and `CLAIMS_DATASET` set to a folder. It is "
                    "off unless you say so, because then everyone who opens the app can change "
                    "what all see. Each save is made whole or not at all, keeps the version "
                    "before in `versions`, and tells in `changelog.csv` who changed what, and "
                    "why."
                ).format(variable=served.EDITABLE)
            )

    def save(self) -> None:
        found = []
        if not _attempt(lambda: found.append(own.save()), self.lang):
            return
        (conflicts,) = found
        if conflicts is None:
            st.session_state["edit.saved"] = True
            _renewed(lambda: None)
        else:
            st.session_state["edit.conflicts"] = conflicts

    def show_changes(self) -> None:
        _, history = self._, self.mine.history
        rows = edits.log_rows(history.done)[::-1]
        head = texts.plural(self.lang, "{n} changed cell", "{n} changed cells", len(rows))
        st.html(Markup('<h2 class="data">{}</h2>').format(head if rows else _("No change yet")))
        if not rows:
            return
        words, fields = table_words(self.lang), column_words(self.lang)
        tables = dict(history.start) | {
            t: pd.concat([f, history.start[t].loc[history.start[t].index.difference(f.index)]])
            for t, f in history.now.items()
        }
        shown = pd.DataFrame(
            {
                _("When"): [r["when"].replace("T", " ").replace("Z", " UTC") for r in rows],
                _("Who"): [r["who"] for r in rows],
                _("Table"): [words[r["table"]] for r in rows],
                _("Entry"): [row_name(tables, r["table"], r["row"], self.lang) for r in rows],
                _("Field"): [fields.get(r["field"], r["field"]) for r in rows],
                _("Before"): [r["before"] for r in rows],
                _("After"): [r["after"] for r in rows],
                _("Why"): [r["why"] for r in rows],
            }
        )
        st.dataframe(shown, hide_index=True, width="stretch")


def move_place(place: str, to: object, author: str, note: str) -> None:
    """Put a place of the viewer's dataset elsewhere, longitude before latitude, in degrees.

    What was known of how it was located no longer holds: it says that a hand set it.
    """
    mine = own.current()
    sound = (
        isinstance(to, list)
        and len(to) == 2
        and all(
            isinstance(v, int | float) and abs(v) <= edge
            for v, edge in zip(to, (180, 90), strict=True)
        )
    )
    if mine is None or not sound or place not in mine.history.now["places"].index:
        return
    cells = mine.history.now["places"].loc[place]
    after = {
        "lon": f"{to[0]:.10g}",
        "lat": f"{to[1]:.10g}",
        "located_by": "approximate",
        "reference": BY_HAND,
    }
    made = [
        Edit("places", place, n, cells[n], cell) for n, cell in after.items() if cells[n] != cell
    ]
    _renewed(lambda: own.change(made, author, note))


def _attempt(act: Callable[[], object], lang: str) -> bool:
    """Whether what reads or writes the dataset that is served went well; if not, why is kept."""
    _ = texts.translator(lang)
    try:
        act()
    except FileExistsError:
        why = _("somebody is saving at this moment; try again shortly")
    except DatasetError as error:
        why = texts.problem(error.problems[0], lang)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    else:
        return True
    st.session_state["edit.failure"] = why
    return False


def _show_failure(now: Session) -> None:
    """Why the last attempt failed, once."""
    _ = now.translate
    if why := st.session_state.pop("edit.failure", ""):
        st.error(
            _("That did not work, and nothing was lost: {why}").format(why=sidebar.plain(why))
        )


def _renewed(act: Callable[[], object]) -> None:
    """Do what changes the tables past the grid, which then has to be made anew."""
    act()
    state = st.session_state
    state["edit.turn"] = state.get("edit.turn", 0) + 1
