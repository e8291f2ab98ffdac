"""Every stated number and direction held against what can be measured, each with a small map."""

from __future__ import annotations

import math

import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import checks, marks, texts, webmap
from pages import pager, session

CLAIMS = 10  # a page: each has a map of its own

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang = chosen.lang

KINDS = {"distance": _("Distance"), "direction": _("Direction"), "transit": _("Time at sea")}
VERDICTS = {
    checks.CONSISTENT: _("fits"),
    checks.INCONSISTENT: _("does not fit"),
    checks.CANNOT_BE_JUDGED: _("cannot be judged"),
}


def show_finding(check: checks.Check) -> None:
    extra = checks.would_fit(whole, check, lang)
    st.html(
        Markup('<p class="finding {}"><strong>{}.</strong> {}{}</p>').format(
            check.verdict.split()[0],
            _("{head}: {text}").format(head=KINDS[check.kind], text=VERDICTS[check.verdict]),
            check.explanation,
            Markup("<br>{}").format(extra) if extra else "",
        )
    )


def show_small_map(claim_id: str, features: set[str]) -> None:
    plan = marks.planned(whole, lang)
    mine = plan["feature"].isin(features).to_numpy()
    layer = webmap.update(
        files=session.map_files(whole, lang),
        visible=session.visible(now) & mine,
        selected=-1,
        view=webmap.bounds_of(plan[mine]),
        view_token=f"{claim_id}-{now.view_moves}",
        show_token=0,
        interactive=False,
    )
    st_folium(
        webmap.base_map(session.ASSETS),
        key=f"check.{claim_id}",
        feature_group_to_add=layer,
        returned_objects=[],
        use_container_width=True,
        height=340,
        render=False,
    )


found = checks.of_kept(whole, kept, lang)
st.html(
    Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(
        _("Held against the ground"), now.sentence
    )
)
if not found:
    st.info(_("No claim that is shown states a distance, a direction or a time at sea."))
order = {checks.INCONSISTENT: 0, checks.CANNOT_BE_JUDGED: 1, checks.CONSISTENT: 2}
by_claim: dict[str, list[checks.Check]] = {}
for check in sorted(found, key=lambda c: order[c.verdict]):
    by_claim.setdefault(check.claim, []).append(check)

pages = max(math.ceil(len(by_claim) / CLAIMS), 1)
page = min(max(pager.asked(), 1), pages)
if pages > 1:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        pager.show("checks.page", page, len(by_claim), CLAIMS, lang)
for claim_id in list(by_claim)[(page - 1) * CLAIMS : page * CLAIMS]:
    mine = by_claim[claim_id]
    title = texts.in_language(whole.claims.loc[claim_id], "title", lang)
    st.html(Markup('<h2 class="claim">{}</h2>').format(title))
    words, picture = st.columns([0.5, 0.5], gap="medium")
    with words:
        for check in mine:
            show_finding(check)
    with picture, st.container(key=f"smallmap-{claim_id}"):
        show_small_map(claim_id, {check.feature for check in mine})

with st.expander(_("The rules behind these verdicts")):
    st.markdown("\n".join(f"- {rule}" for rule in checks.rules(lang)))
