"""The story step by step on a projector: one map that glides, few words, the caveats beside."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import briefing, evidence, files, marks, texts, webmap
from geo.selection import Selection
from pages import session, sidebar

MAP = "briefing_map"
PANELS = ("", "overview", "evidence")
# More than these would not fit beside the map in letters that the last row reads.
MOST_TOLD = 4

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang = chosen.lang
state = st.session_state
steps = briefing.steps(kept, lang)


def position() -> int:
    """The place in the story, from 0, of the step that the address names; the first otherwise."""
    numbers = [str(step.number) for step in steps]
    asked = sidebar.own("step")
    return numbers.index(asked) if asked in numbers else 0


def go(to: int) -> None:
    sidebar.set_own("step", str(steps[to].number))
    if state.get("briefing.panel") == "overview":
        state["briefing.panel"] = ""


def toggle(panel: str) -> None:
    state["briefing.panel"] = "" if state.get("briefing.panel") == panel else panel


def toggle_bars() -> None:
    state["briefing.bars"] = not state.get("briefing.bars", False)


def pressed() -> None:
    """Take over what the keys, heard by the map's script, ask for: all of it or nothing."""
    value = state.get(MAP) or {}
    to, panel, bars, sequence = (value.get(k) for k in ("at", "panel", "bars", "sequence"))
    sound = isinstance(to, int) and panel in PANELS and isinstance(bars, bool)
    if not (sound and isinstance(sequence, int) and 0 <= to < len(steps)):
        return
    sidebar.set_own("step", str(steps[to].number))
    state["briefing.panel"], state["briefing.bars"] = panel, bars
    state["briefing.answered"] = sequence


def show_map(step: briefing.Step, at: int) -> None:
    plan = marks.planned(whole, lang)
    told = [claim.claim for claim in step.claims]
    visible = session.visible(now) & plan["claim"].isin(told).to_numpy()
    bounds = step.bounds
    if bounds is None:
        bounds = webmap.bounds_of(plan[visible]) if visible.any() else whole.views[0].bounds
    layer = webmap.update(
        files=session.map_files(whole, lang),
        visible=visible,
        selected=-1,
        view=bounds,
        view_token=f"{step.number}-{now.view_moves}",
        show_token=0,
        interactive=False,
        step={
            "at": at,
            "count": len(steps),
            "panel": state.get("briefing.panel", ""),
            "bars": state.get("briefing.bars", False),
            "answered": state.get("briefing.answered", 0),
        },
    )
    st_folium(
        webmap.base_map(session.ASSETS, briefing=True),
        key=MAP,
        feature_group_to_add=layer,
        returned_objects=[],
        use_container_width=True,
        height=560,
        render=False,
        on_change=pressed,
    )


def told_of_filters(step: briefing.Step) -> Markup:
    """What the filters take away from this step, and which they are; nothing where none is set."""
    if chosen == Selection(lang=lang, view=chosen.view, claim=chosen.claim):
        return Markup("")
    hidden = ""
    if step.hidden and not step.claims:
        hidden = _("The filters hide every claim of this step.")
    elif step.hidden:
        hidden = texts.plural(
            lang,
            "{n} claim of this step is hidden by the filters.",
            "{n} claims of this step are hidden by the filters.",
            step.hidden,
        )
    return Markup('<p class="filters" role="status"><strong>{}</strong> {}</p>').format(
        hidden, now.sentence
    )


def show_words(step: briefing.Step) -> None:
    numbers = Markup("").join(
        Markup('<div class="stated {}"><p><b>{}</b><br><b>{}</b></p><p>{}</p></div>').format(
            each.verdict.split()[0], each.stated, each.measured, each.words
        )
        for each in step.stated
    )
    show_article(
        step,
        Markup('<p>{}</p>{}<ul class="told">{}</ul>').format(step.text, numbers, caveats(step)),
    )


def caveats(step: briefing.Step) -> Markup:
    """Of each claim of a step: how it stands, how sure it is, and who denies it."""
    few = step.claims if len(step.claims) <= MOST_TOLD else step.claims[: MOST_TOLD - 1]
    lines = [
        Markup(
            '<li><h2>{}</h2><p><span class="chip {}">{}</span> {}. <span>{}.</span></p></li>'
        ).format(c.title, c.status_code, c.status, c.confidence, _("; ").join(c.denials))
        for c in few
    ]
    if len(few) < len(step.claims):
        rest = texts.plural(
            lang,
            "{n} claim more: see the evidence (E)",
            "{n} claims more: see the evidence (E)",
            len(step.claims) - len(few),
        )
        lines.append(Markup("<li><h2>{}</h2></li>").format(rest))
    return Markup("").join(lines)


def show_evidence(step: briefing.Step) -> None:
    show_article(
        step,
        Markup("").join(
            Markup(evidence.to_html(evidence.gather(whole, kept, told.claim, chosen), lang))
            for told in step.claims
        ),
    )


def show_article(step: briefing.Step, content: Markup) -> None:
    bars = "bars" if state.get("briefing.bars") else "full"
    st.html(
        Markup('<article class="briefing {}" tabindex="0"><h1>{}</h1>{}{}</article>').format(
            bars, step.title, told_of_filters(step), content
        )
    )


def show_bar(at: int) -> None:
    st.button(
        _("Back"),
        icon=":material/arrow_back:",
        key="briefing.previous",
        type="tertiary",
        disabled=at == 0,
        on_click=go,
        args=(at - 1,),
        help=_("Left, page up"),
    )
    st.html(
        Markup('<p class="progress"><b>{}</b></p>').format(
            _("{n} / {total}").format(n=at + 1, total=len(steps))
        )
    )
    st.button(
        _("Next"),
        icon=":material/arrow_forward:",
        icon_position="right",
        key="briefing.next",
        type="tertiary",
        disabled=at == len(steps) - 1,
        on_click=go,
        args=(at + 1,),
        help=_("Right, page down, space"),
    )
    panel = state.get("briefing.panel", "")
    for name, label, key in (
        ("overview", _("All steps"), "O"),
        ("evidence", _("Evidence"), "E"),
    ):
        st.button(
            _("{label} ({key})").format(label=label, key=key),
            key=f"briefing.show-{name}",
            type="primary" if panel == name else "tertiary",
            on_click=toggle,
            args=(name,),
        )
    bars = state.get("briefing.bars", False)
    st.button(
        _("Hide the menu (Esc)") if bars else _("Filters and menu (Esc)"),
        key="briefing.menu",
        type="tertiary",
        on_click=toggle_bars,
    )


def show_overview(at: int) -> None:
    st.html(Markup('<h1 class="overview">{}</h1>').format(_("All steps")))
    with st.container(key="briefing-grid"):
        for n, step in enumerate(steps):
            st.button(
                sidebar.plain(f"{n + 1}. {step.title}"),
                key=f"briefing.step.{n}",
                type="primary" if n == at else "secondary",
                on_click=go,
                args=(n,),
                width="stretch",
            )
    st.html(
        Markup('<p class="keys">{}</p>').format(
            _(
                "Right, page down, space: next. Left, page up: back. Home, End: first, last. "
                "O: all steps. E: evidence. F or F11: full screen. Esc: filters and menu."
            )
        )
    )
    form = files.FORMATS["handout"]
    st.download_button(
        files.words(lang)[form.name][0],
        # Drawn only when it is asked for: all those maps take longer than a step may.
        data=lambda: files.make(form, whole, chosen),
        file_name=files.file_name(form, whole, chosen, files.Picture()),
        mime=form.media_type,
        key="briefing.handout",
        icon=":material/download:",
        on_click="ignore",
    )


def show_how_to_write_one() -> None:
    st.html(Markup('<header class="page"><h1>{}</h1></header>').format(_("Briefing")))
    st.info(
        _(
            "This dataset has no briefing yet. To tell its story step by step, add a table "
            "briefing.csv with one row a step, and list it in datapackage.json as the other tables "
            "are. Claims are named by their ids, with spaces between; west, south, east and north "
            "are what the map shows, in degrees."
        )
    )
    named = " ".join(whole.claims.index[:2])
    edges = ",".join(f"{edge:.1f}" for edge in whole.views[0].bounds)
    header = "step,title,title_fr,text,text_fr,claims,west,south,east,north"
    told = _("A few sentences, as one would say them aloud.")
    st.code(f'{header}\n1,{_("What happened")},,"{told}",,{named},{edges}', language=None)


def show_briefing() -> None:
    at = position()
    step = steps[at]
    panel = state.get("briefing.panel", "")
    # The map stands first and always at the same place, or else it would be made anew.
    with st.container(key="briefing"):
        with st.container(key="briefing-map"):
            show_map(step, at)
        with st.container(key="briefing-words"):
            (show_evidence if panel == "evidence" else show_words)(step)
        with st.container(key="briefing-bar", horizontal=True, vertical_alignment="center"):
            show_bar(at)
        if panel == "overview":
            with st.container(key="briefing-overview"):
                show_overview(at)


if steps:
    show_briefing()
else:
    show_how_to_write_one()
