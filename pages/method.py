"""How to read the app: what its words, signs and numbers mean, and where they come from."""

from __future__ import annotations

import base64
import json

import streamlit as st
from markupsafe import Markup

from geo import basemap, checks, register, searoute, symbols, texts
from pages import session

BASEMAP = session.ENTRY.parent / "data" / "basemap"

now = session.current()
whole, chosen, _ = now.whole, now.selection, now.translate
lang = chosen.lang
words = texts.terms(lang)


def paragraphs(*said: str) -> None:
    st.html(Markup("").join(Markup('<p class="prose">{}</p>').format(each) for each in said))


def picture(symbol: str) -> Markup:
    """A symbol of the legend; its words stand beside it, so it needs none of its own."""
    width, height = symbols.SWATCH_PX
    code = base64.b64encode(symbols.svg(symbol).encode()).decode()
    return Markup(
        '<img class="swatch" alt="" width="{}" height="{}" src="data:image/svg+xml;base64,{}">'
    ).format(width, height, code)


def rows_of(caption: str, heads: list[str], rows: list[list[str | Markup]]) -> None:
    """A table; the first cell of a row is its head."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(each) for each in heads)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            first, Markup("").join(Markup("<td>{}</td>").format(each) for each in rest)
        )
        for first, *rest in rows
    )
    st.html(
        Markup(
            '<div class="method" role="region" tabindex="0" aria-label="{caption}"><table>'
            '<caption class="unseen">{caption}</caption><thead><tr>{head}</tr></thead>'
            "<tbody>{body}</tbody></table></div>"
        ).format(caption=caption, head=head, body=body)
    )


def meanings(values: dict[str, str]) -> None:
    """Codes with what they mean, as a list."""
    pairs = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(code, meaning) for code, meaning in values.items()
    )
    st.html(Markup('<dl class="method">{}</dl>').format(pairs))


def signs(*groups: str) -> None:
    """The entries of the legend whose keys begin so, each with its symbol."""
    items = Markup("").join(
        Markup("<li>{}<span>{}</span></li>").format(picture(symbol), text)
        for key, symbol, text in symbols.legend(lang)
        if key.startswith(groups)
    )
    st.html(Markup('<ul class="method signs">{}</ul>').format(items))


def about() -> None:
    paragraphs(
        _(
            "The app keeps apart what is said, who says it, and how well it can be checked. It "
            "decides nothing for the reader: a claim on the map is a claim, not a fact."
        ),
        _("What the makers of this dataset say of it:"),
    )
    title = texts.in_language(vars(whole), "title", lang)
    description = texts.in_language(vars(whole), "description", lang)
    told = description or _("The dataset does not describe itself.")
    st.html(
        Markup('<blockquote class="method"><strong>{}</strong><br>{}</blockquote>').format(
            title, told
        )
    )


def statuses() -> None:
    paragraphs(
        _(
            "Nobody types in a status. It follows from the statements that the selection keeps: "
            "each is dated, made by one source about one claim, and takes one stance."
        ),
    )
    rows_of(
        _("The five statuses and what leads to them"),
        [_("Status"), _("Meaning"), _("For example")],
        [
            [
                Markup('<span class="chip {}">{}</span>').format(code, words["status"][code]),
                words["status_help"][code],
                ", ".join(
                    f"{speaker.upper()} {words['stance'][stance]}" for speaker, stance in example
                ),
            ]
            for code, example in register.EXAMPLES.items()
        ],
    )
    paragraphs(
        _(
            "Taking back undoes what the same source said of the same claim up to that day, and "
            "nothing else. Declining to comment weighs neither for nor against a claim."
        ),
        _(
            "A denial names the claim, or touches it only by implication: it then rejects "
            "something wider or narrower. The two are told apart everywhere, by word and by sign."
        ),
    )
    signs("denied-", "withdrawn", "spoken-")


def grades() -> None:
    paragraphs(
        _(
            "Each statement has a grade after the NATO Admiralty system: a letter for the source "
            "and a digit for this one piece of information. The two are judged apart: a poor "
            "source may be right."
        ),
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("Reliability of the source"), anchor=False)
        meanings(words["reliability"])
    with right:
        st.subheader(_("Credibility of the information"), anchor=False)
        meanings(words["credibility"])
    paragraphs(
        _(
            "F and 6 mean that there is nothing to judge by. They are not a middle and not a bad "
            "mark; the app never averages them with the rest, and sorts them last."
        ),
    )


def confidence() -> None:
    paragraphs(
        _(
            "Confidence belongs to the claim, and it is the makers of the dataset who give it, "
            "with their reason: how sure they are, all statements taken together, that it is so. "
            "Its levels: {levels}. “{unassessed}” means that no one has judged it yet."
        ).format(
            levels=", ".join(words["confidence"].values()).lower(),
            unassessed=words["confidence"]["unassessed"],
        ),
        _(
            "It is not worked out from grades, and it does not follow from the number of those who "
            "repeat a claim. Filters do not change it."
        ),
    )


def basis() -> None:
    paragraphs(
        _(
            "Every place, area and line on the map says how it is known. Seen in imagery is "
            "observed, told by someone is reported, worked out by us is inferred."
        ),
    )
    signs("basis-", "area-", "route-", "uncertainty")
    paragraphs(_("The shape of a sign tells the theme of the claim:"))
    signs("theme-")
    paragraphs(
        _(
            "A place lies somewhere within its radius of uncertainty, which is drawn as a circle "
            "where it is large enough to see. A vague place is an area, never a pin."
        ),
    )


def layers() -> None:
    layer = words["layer"]
    meanings(
        {
            layer["sourced"]: _(
                "draws each claim as those who assert it tell it. It does not say that it is true."
            ),
            layer["denied"]: _(
                "draws, over the same places, that someone contests the claim, and where the "
                "denial was spoken."
            ),
        }
    )
    paragraphs(
        _(
            "A contested claim is in both layers. With both off, nothing is drawn; the register "
            "and all counts still hold every claim, those without a place as well."
        ),
    )


def origins() -> None:
    paragraphs(
        _(
            "Ten outlets that carry the word of one service are one origin. So the app counts, "
            "beside the statements, the independent origins behind a claim: the sources that "
            "assert it on their own account, or on whose word the others rest."
        ),
        _(
            "Chains are followed: where one repeats another that itself only repeats a third, the "
            "third is the origin. Those who repeat each other in a ring count as one. What was "
            "taken back does not count, nor does an origin that has taken its own word back, "
            "though others may still repeat it."
        ),
        _(
            "Two origins may still have a common root that nobody has told. The number is an upper "
            "bound of what is independent."
        ),
    )


def kept() -> None:
    paragraphs(
        _(
            "A selection keeps first the statements: those made up to the as-of day, by the chosen "
            "sources or repeating them. Then it keeps the claims they speak of, and works out "
            "their status anew from the kept statements alone. Only then do confidence, status "
            "and theme filter the claims."
        ),
        _(
            "With one government chosen, one therefore sees the claims as that government treats "
            "them: what it contests appears as a denial, though others assert it."
        ),
        _(
            "The as-of day puts the reader back to what had been said by then. Statements without "
            "a date fall away as soon as a day is set."
        ),
        _("What is chosen now: {sentence}").format(sentence=now.sentence),
    )


def measured() -> None:
    paragraphs(
        _(
            "Where a claim states a distance, a direction or dates of a voyage, the app measures "
            "and says whether the two fit: consistent, inconsistent, or cannot be judged."
        ),
    )
    st.markdown("\n".join(f"- {rule}" for rule in checks.rules(lang)))
    signs("stated-", "measured")


def sea_routes() -> None:
    km = texts.number(searoute.MAX_REGIONAL_KM, lang)
    paragraphs(
        _(
            "A sea route is the shortest way over water between two ports. The land, grown by the "
            "distance to keep from it, stands in the way; the search goes from corner to corner of "
            "it and takes the shortest path. Near a port and in narrow straits the distance is let "
            "down only as far as it must be."
        ),
        _(
            "Beyond about {km} km, or through a canal, the middle of the way follows a public "
            "network of shipping lanes, straightened and checked against the same land."
        ).format(km=km),
        _(
            "It is our reading of how a ship would go. Nobody reported these tracks, and a real "
            "ship may have gone another way."
        ),
    )
    signs("route-inferred")


def sources() -> None:
    side = register.sides(whole, lang)
    paragraphs(
        _(
            "The letter is the standing judgement of the makers of the dataset on a source, with "
            "their reason."
        ),
    )
    rows_of(
        _("The sources of this dataset and how reliable they are"),
        [_("Source"), _("Side"), _("Kind"), _("Reliability"), _("Why")],
        [
            [
                texts.in_language(row, "name", lang),
                side[source],
                words["kind"][row["kind"]],
                _("{head}: {text}").format(
                    head=row["reliability"], text=words["reliability"][row["reliability"]]
                ),
                texts.in_language(row, "reliability_rationale", lang) or _("no reason given"),
            ]
            for source, row in whole.sources.iterrows()
        ],
    )


def base_data() -> None:
    manifest = json.loads((BASEMAP / "manifest.json").read_text("utf-8"))
    packages = ", ".join(f"{p['name']} {p['version']}" for p in manifest["packages"])
    paragraphs(
        _(
            "Land, borders, water and towns come with the app, so that nothing is fetched from "
            "elsewhere. The credit line of every map: {credit}."
        ).format(credit=basemap.ATTRIBUTION),
        _(
            "Natural Earth is in the public domain; the towns of GeoNames are under CC BY 4.0. "
            "Borders are those that international law recognises, as far as the data have them; "
            "none is a statement of the app."
        ),
        _("Built from these packages: {packages}.").format(packages=packages),
    )
    with st.expander(_("The notices of those who made the data, as they wrote them")):
        st.code((BASEMAP / "LICENSES.md").read_text("utf-8"), language=None, wrap_lines=True)


def limits() -> None:
    said = [
        _("The app holds only what its dataset holds. Silence of a source here is not consent."),
        _("Statements are summed up in words of our own; for the wording, go to the reference."),
        _(
            "Who is put on which side follows from kind and country of a source, not from a "
            "judgement on what it thinks."
        ),
        _(
            "A verdict compares a stated number with places whose positions have radii of their "
            "own. That a number fits does not show that the claim is true."
        ),
        _(
            "The coast is that of small-scale maps: in harbours and narrow bays it may be off by "
            "hundreds of metres."
        ),
        _("Dates that are about, or known to the week or month, are shown no more exact than so."),
    ]
    items = Markup("").join(Markup("<li>{}</li>").format(each) for each in said)
    st.html(Markup('<ul class="method">{}</ul>').format(items))


def citing() -> None:
    paragraphs(
        _(
            "Name the dataset, its digest and the selection: together they give the same picture "
            "again. The digest changes with any change of the files."
        ),
    )
    query = chosen.query_string()
    cited = _("{title}. Dataset {name}, digest {digest}. Selection: {sentence}").format(
        title=texts.in_language(vars(whole), "title", lang),
        name=whole.name,
        digest=whole.digest,
        sentence=now.sentence,
    )
    st.code(f"{cited} ?{query}" if query else cited, language=None, wrap_lines=True)


SECTIONS = {
    "about": (_("What this is"), about),
    "status": (_("Statements and status"), statuses),
    "grades": (_("Grades"), grades),
    "confidence": (_("Confidence"), confidence),
    "basis": (_("Seen, told, or read by us"), basis),
    "layers": (_("The two layers"), layers),
    "origins": (_("Independent origins"), origins),
    "selection": (_("What a selection keeps"), kept),
    "measured": (_("Held against the ground"), measured),
    "sea-routes": (_("Sea routes"), sea_routes),
    "sources": (_("Sources"), sources),
    "basemap": (_("Basemap and licences"), base_data),
    "limits": (_("Limits"), limits),
    "citing": (_("How to cite"), citing),
}

st.html(
    Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(
        _("Method"), _("What the words, signs and numbers of this app mean")
    )
)
entries = Markup("").join(
    Markup('<li><a href="#{}">{}</a></li>').format(anchor, title)
    for anchor, (title, _show) in SECTIONS.items()
)
st.html(
    Markup('<nav class="contents" aria-label="{}"><ol>{}</ol></nav>').format(_("Contents"), entries)
)
with st.container(key="method"):
    for anchor, (title, show_section) in SECTIONS.items():
        st.header(title, anchor=anchor)
        show_section()
