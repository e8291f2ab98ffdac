"""What was known, asserted and denied on each day: a timeline, a map of one day, and a player."""

from __future__ import annotations

from datetime import date

import streamlit as st
from markupsafe import Markup
from streamlit.components import v2
from streamlit_folium import st_folium

from geo import evidence, selection, texts, timeline, webmap
from pages import links, pager, session, sidebar

STEP_MS = 1200
PLAYS = "timeline.plays"
PLAY = "timeline.play"  # the button
# In the browser a clock asks for the next day while the page plays, and the timeline, where it is
# wider than its box, is scrolled to the day. All ends with the page.
IN_BROWSER = """
let stop = () => {};
export default function ({ data, setTriggerValue }) {
  stop();
  // What is sent into a run that goes on may be lost: wait for its end.
  let timer;
  const next = () => {
    const app = document.querySelector("[data-test-script-state]");
    if (app?.dataset.testScriptState !== "running") setTriggerValue("next", data.day);
    else timer = setTimeout(next, 50);
  };
  if (data.plays) timer = setTimeout(next, data.step_ms);
  // Each run makes the timeline anew, and that begins at its left.
  let seen;
  const bring = () => {
    const box = document.querySelector(".timeline");
    const line = box?.querySelector(".asof");
    // The styles come after the page.
    if (!line || box === seen || getComputedStyle(line).position !== "absolute") return;
    seen = box;
    const name = box.querySelector(".label").offsetWidth;
    box.scrollLeft = line.offsetLeft - name - 0.6 * (box.clientWidth - name);
  };
  const watch = new MutationObserver(bring);
  watch.observe(document.body, { childList: true, subtree: true });
  bring();
  stop = () => {
    clearTimeout(timer);
    watch.disconnect();
  };
  return stop;
}
"""
BROWSER = "timeline.browser"
in_browser = v2.component("timeline_in_browser", js=IN_BROWSER)

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang, state = chosen.lang, st.session_state
days = timeline.days(whole, chosen)

if PLAY not in state:
    state[PLAYS] = False  # its button was forgotten with the page, which has been left since
plays = state[PLAYS] and len(days) > 1


def play() -> None:
    """Start, from the first day where the last one is shown, or pause."""
    state[PLAYS] = not plays
    if state[PLAYS] and (chosen.as_of is None or chosen.as_of >= days[-1]):
        sidebar.choose("as_of", days[0])


def go(to: date) -> None:
    state[PLAYS] = False
    sidebar.choose("as_of", to)


def picked() -> None:
    go(state["timeline.day"])


def after(day: date | None) -> date | None:
    """The next day on which something was said; None after the last."""
    return None if day is None else next((each for each in days if each > day), None)


def before(day: date | None) -> date | None:
    """The last day before on which something was said; None before the first."""
    return next((each for each in reversed(days) if day is None or each < day), None)


def clock() -> None:
    """Show the next day, if the page still plays and shows the day that the clock started at."""
    asked = state[BROWSER].next
    shown = state.get("as_of")
    if not state.get(PLAYS) or shown is None or asked != shown.isoformat():
        return
    following = after(shown)
    if following is not None:
        sidebar.choose("as_of", following)
    state[PLAYS] = after(following) is not None


def asked(what: dict[str, str]) -> None:
    """Do what a link in the timeline asks for: show a day, or open a claim."""
    if what.get("claim") in whole.claims.index:
        sidebar.choose("claim", what["claim"])
        return
    day = next((each for each in days if each.isoformat() == what.get("as_of")), None)
    if day is not None:
        go(day)


def show_header(told: str) -> None:
    st.html(
        Markup('<header class="page"><h1>{}</h1><p role="status">{}</p></header>').format(
            _("Day by day"), told
        )
    )


def show_player() -> None:
    shown = chosen.as_of
    with st.container(horizontal=True, vertical_alignment="center", key="player"):
        for key, text, icon, to in (
            ("first", _("First day"), "first_page", days[0]),
            ("previous", _("Previous day"), "skip_previous", before(shown)),
            ("play", "", "", None),
            ("next", _("Next day"), "skip_next", after(shown)),
            ("last", _("Last day"), "last_page", days[-1]),
        ):
            if key == "play":
                show_play()
                continue
            st.button(
                text,
                icon=f":material/{icon}:",
                key=f"timeline.{key}",
                on_click=go,
                args=(to,),
                disabled=to is None or to == shown,
            )
        if len(days) > 1:
            # It stands at the last day with news up to the one that is shown.
            upto = [day for day in days if shown is None or day <= shown]
            state["timeline.day"] = upto[-1] if upto else days[0]
            st.select_slider(
                _("Day"),
                days,
                key="timeline.day",
                format_func=lambda day: texts.day(day, lang),
                on_change=picked,
                label_visibility="collapsed",
            )


def show_play() -> None:
    st.button(
        _("Pause") if plays else _("Play"),
        icon=":material/pause:" if plays else ":material/play_arrow:",
        key=PLAY,
        type="primary",
        on_click=play,
        disabled=len(days) < 2,
    )


def show_map() -> None:
    layer = webmap.update(
        files=session.map_files(whole, lang),
        visible=session.visible(now),
        selected=-1,
        view=whole.view(chosen.view).bounds,
        view_token=f"{chosen.view}-{now.view_moves}",
        show_token=0,
        interactive=False,
    )
    st_folium(
        webmap.base_map(session.ASSETS),
        key="timeline.map",
        feature_group_to_add=layer,
        returned_objects=[],
        use_container_width=True,
        height=400,
        render=False,
    )


def show_news(found: timeline.Situation, course: timeline.Timeline) -> None:
    if chosen.claim in kept.claims.index:
        st.button(_("Close"), on_click=sidebar.choose, args=("claim", ""), key="timeline.close")
        st.html(evidence.to_html(evidence.gather(whole, kept, chosen.claim, chosen), lang))
        return
    if chosen.claim:
        st.info(_("The claim that was open is hidden by the filters, or by the day."))
    if found.day is None:
        st.html(Markup('<h2 class="news">{}</h2>').format(_("Days on which something was said")))
        st.html(timeline.days_to_html(course, lang, chosen.to_query()))
        return
    head = _("New on {day}").format(day=texts.day(found.day, lang))
    if found.news:
        st.html(Markup('<h2 class="news">{}</h2>').format(head))
        st.html(timeline.news_to_html(found, lang, chosen.to_query()))
        return
    st.html(
        Markup('<h2 class="news">{}</h2><p class="quiet">{}</p>').format(
            head, _("Nothing that the filters keep was said on this day.")
        )
    )


def show_timeline(found: timeline.Timeline) -> None:
    show_pager(found)
    st.html(timeline.to_html(found, lang, chosen.to_query(), chosen.claim))
    st.html(timeline.key_to_html(lang))
    st.html(Markup('<h2 class="days">{}</h2>').format(_("What the timeline shows, as a table")))
    if len(found.lines) < found.statements:
        st.html(
            Markup('<p class="quiet">{}</p>').format(
                _("The first {shown} of {all}; the register has them all.").format(
                    shown=texts.number(len(found.lines), lang),
                    all=texts.plural(lang, "{n} statement", "{n} statements", found.statements),
                )
            )
        )
    st.html(timeline.table_to_html(found, lang))


def show_pager(found: timeline.Timeline) -> None:
    """Which claims have their lane here, where there are more than fit, and the way to others."""
    if found.total <= timeline.LANES:
        return
    page = found.start // timeline.LANES + 1
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        pager.show("timeline.page", page, found.total, timeline.LANES, lang)


def show_empty() -> None:
    """Why there is no day to show, and which filter to loosen."""
    said = selection.phrases(whole, chosen)
    if whole.days is None:
        st.info(
            _(
                "No statement of this dataset has a date, so there is nothing to lay out in time. "
                "Give the statements a date and how exact it is (date, date_precision); the "
                "register shows them meanwhile."
            )
        )
        return
    filters = sidebar.plain(_("; ").join(said.values()))
    st.info(_("No dated statement is left: {filters}.").format(filters=filters))
    sidebar.show_way_out(whole, chosen)


if days:
    found = timeline.situation(whole, chosen)
    course = timeline.build(whole, chosen, (pager.asked() - 1) * timeline.LANES)
    show_header(timeline.sentence(found, lang))
    in_browser(
        key=BROWSER,
        data={
            "plays": plays,
            "day": None if chosen.as_of is None else chosen.as_of.isoformat(),
            "step_ms": STEP_MS,
        },
        on_next_change=clock,
    )
    links.follow(asked)
    show_player()
    map_side, text_side = st.columns([0.6, 0.4], gap="small")
    with map_side, st.container(key="timelinemap"):
        show_map()
    with text_side, st.container(key="timelinenews"):
        show_news(found, course)
    show_timeline(course)
else:
    show_header(now.sentence)
    show_empty()
