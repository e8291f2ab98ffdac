"""One HTML file that holds map, filters and evidence, and needs neither network nor server.

The map is drawn by the script of the app (``web/claimmap.js``), the filters follow the same rules
(``web/selection.js``). Texts of the data stand in the file as JSON that no tag can end, or as HTML
that ``markupsafe`` escaped; and the file's own policy lets no script run but the ones it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup

from geo import basemap, evidence, extract, marks, overlays, selection, texts, webdata
from geo.dataset import STATUSES, Dataset
from geo.overlays import Styled
from geo.selection import FACETS, LAYERS, Selection

_STYLES = (*webdata.STYLES, "evidence.css", "standalone.css")
_SCRIPTS = (*(name for name in webdata.SCRIPTS if name != "ahead.js"), "standalone.js")


def to_html(dataset: Dataset, chosen: Selection, context: Sequence[Styled] = ()) -> bytes:
    """A page (UTF-8) of what the selection keeps of a dataset, that can be filtered further.

    It holds the kept claims with their statements, marks and evidence, and nothing of the others
    but their number. The layers stand as chosen, the view as well; the as-of day can be set
    earlier. The basemap is the app's. ``context``: the reader's own layers, from below, drawn under
    the claims and named among the caveats; of their fields it holds only what is shown.
    """
    lang = chosen.lang
    _ = texts.translator(lang)
    facts = extract.gather(dataset, chosen)
    kept = facts.kept
    styles = [_asset(name) for name in _STYLES]
    scripts = [_asset(name) for name in _SCRIPTS]
    boxes = webdata.detail_bounds(dataset)
    blocks = {
        "marks": webdata.content(marks.plan(kept, lang), kept, lang),
        "world": basemap.web_world(boxes),
        "detail": basemap.web_detail(boxes),
        "context": overlays.web_content(context, lang),
        "setup": _setup(dataset, kept, chosen),
    }
    title = texts.in_language(vars(dataset), "title", lang)
    parts: list[Markup] = [
        Markup('<!doctype html>\n<html lang="{}">\n<head>\n<meta charset="utf-8">\n').format(lang),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}">\n').format(
            _policy(styles, scripts)
        ),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
        Markup('<meta name="generator" content="{}">\n').format(facts.caveats["generator"]),
        Markup("<title>{}</title>\n").format(title),
        *(Markup("<style>{}</style>\n").format(Markup(text)) for text in styles),
        Markup("</head>\n<body>\n<header>\n<h1>{}</h1>\n<p>{}</p>\n").format(
            title, facts.caveats["selection"]
        ),
        Markup(
            '<p id="count" role="status"></p>\n</header>\n<noscript><p>{}</p></noscript>\n'
        ).format(_("Without JavaScript this file shows no map; all its claims are listed below.")),
        Markup("<main>\n"),
        _filters(kept, chosen),
        _map(dataset, lang),
        Markup('<section id="reading" aria-label="{}">\n').format(_("Claims and evidence")),
        Markup('<p id="empty" hidden>{}</p>\n').format(
            _("No claim is left: loosen a filter, or reset them.")
        ),
        _table(dataset, kept, lang),
        Markup('<p id="pick" class="quiet">{}</p>\n').format(
            _("Pick a claim above, or a mark on the map, to read who says so and who denies it.")
        ),
        _evidence(kept, chosen),
        Markup("</section>\n</main>\n<footer>\n"),
        *(
            Markup("<p>{}</p>\n").format(line)
            for line in (*extract.caveat_lines(facts), overlays.sentence(context, lang))
            if line
        ),
        Markup("<p>{}</p>\n</footer>\n").format(
            _("This file is complete in itself: it asks for nothing from any network.")
        ),
        *(
            Markup('<script type="application/json" id="{}">{}</script>\n').format(
                key, _json(value)
            )
            for key, value in blocks.items()
        ),
        *(Markup("<script>{}</script>\n").format(Markup(text)) for text in scripts),
        Markup("</body>\n</html>\n"),
    ]
    return Markup("").join(parts).encode("utf-8")


def _setup(dataset: Dataset, kept: Dataset, chosen: Selection) -> dict:
    """What the page starts with, and the words that its script writes."""
    lang = chosen.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    west, south, east, north = webdata.BOUNDS
    lon, lat = webdata.CENTRE
    view = next((view for view in dataset.views if view.name == chosen.view), dataset.views[0])
    return {
        "map": {
            "center": [lat, lon],
            "zoom": webdata.START_ZOOM,
            "maxBounds": [[south, west], [north, east]],
        }
        | {_camel(key): value for key, value in webdata.MOVING.items()},
        "view": list(view.bounds),
        "layer": [LAYERS.index(layer) for layer in chosen.layer],
        "words": {
            "shown": _("{shown} of {total} claims shown"),
            "status": [words["status"][status] for status in STATUSES],
            "meaning": [words["status_help"][status] for status in STATUSES],
            "statements": kept.statements.index[webdata.statement_order(kept)].tolist(),
            "leftOut": _("Statements about this claim that the filters hide: {n}"),
            "pick": _(
                "Pick a claim above, or a mark on the map, to read who says so and who denies it."
            ),
            "openHidden": _("The claim that was open is hidden by the filters."),
            "views": [list(each.bounds) for each in dataset.views],
        },
    }


def _camel(key: str) -> str:
    head, *tail = key.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _filters(kept: Dataset, chosen: Selection) -> Markup:
    lang = chosen.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    offered = selection.options(kept)
    titles = {
        "layer": _("Layers"),
        "source": _("Source"),
        "confidence": _("Confidence"),
        "status": _("Status"),
        "theme": _("Theme"),
    }
    names = words | {
        "source": {
            source: texts.in_language(kept.sources.loc[source], "name", lang)
            for source in offered["source"]
        }
    }
    groups = [
        Markup("<fieldset><legend>{}</legend>{}</fieldset>\n").format(
            titles[key],
            Markup("").join(
                Markup(
                    '<label><input type="checkbox" name="{}" value="{}"{}> '
                    '<span>{}</span> <span class="left"></span></label>'
                ).format(
                    key,
                    number,
                    Markup(" checked") if key == "layer" and value in chosen.layer else "",
                    names[key][value],
                )
                for number, value in enumerate(offered[key])
            ),
        )
        for key in ("layer", *FACETS)
    ]
    days = kept.days
    day = Markup('<label class="day">{} <input type="date" name="as_of"{}></label>\n').format(
        _("As of"),
        Markup(' min="{}" max="{}"').format(*days) if days else "",
    )
    return Markup(
        '<form id="filters" aria-label="{}">\n<button type="reset" name="reset">{}</button>\n'
        "{}{}{}</form>\n"
    ).format(_("Filters"), _("Reset filters"), groups[0], day, Markup("").join(groups[1:]))


def _map(dataset: Dataset, lang: str) -> Markup:
    _ = texts.translator(lang)
    views = Markup("").join(
        Markup('<button type="button" data-view="{}">{}</button>').format(
            number, texts.in_language(vars(view), "title", lang)
        )
        for number, view in enumerate(dataset.views)
    )
    return Markup(
        '<section id="mapside" aria-label="{}">\n<div id="views">{}</div>\n'
        '<div id="frame" class="cm-frame"><div id="map"></div></div>\n</section>\n'
    ).format(_("Map"), views)


def _table(dataset: Dataset, kept: Dataset, lang: str) -> Markup:
    _ = texts.translator(lang)
    heads = (_("Claim"), _("Status"), _("Confidence"), _("Asserted by"), _("Denied by"))
    rows = evidence.table(dataset, kept, lang)
    return Markup(
        '<table id="claims"><caption class="quiet">{}</caption>\n<thead><tr>{}</tr></thead>\n'
        "<tbody>\n{}</tbody></table>\n"
    ).format(
        _("The claims of this file"),
        Markup("").join(Markup('<th scope="col">{}</th>').format(head) for head in heads),
        Markup("").join(
            Markup(
                '<tr><th scope="row"><button type="button">{}</button></th>'
                '<td><span class="chip {}">{}</span></td><td>{}</td><td>{}</td><td>{}</td></tr>\n'
            ).format(
                row["claim"],
                kept.claims.at[claim, "status"],
                row["status"],
                row["confidence"],
                row["asserts"],
                row["denies"],
            )
            for claim, row in rows.iterrows()
        ),
    )


def _evidence(kept: Dataset, chosen: Selection) -> Markup:
    articles = (
        Markup('<div>{}<p class="quiet left-out" hidden></p></div>\n').format(
            Markup(evidence.to_html(evidence.gather(kept, kept, claim, chosen), chosen.lang))
        )
        for claim in kept.claims.index
    )
    return Markup('<div id="evidence" aria-live="polite">\n{}</div>\n').format(
        Markup("").join(articles)
    )


def _json(value: object) -> Markup:
    """JSON for a block of a page: without a sign by which a tag could begin or end."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


@lru_cache
def _asset(name: str) -> str:
    return webdata.asset(name).read_text(encoding="utf-8")


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """A content security policy that allows these styles and scripts word for word, no more."""

    def hashes(allowed: Iterable[str]) -> str:
        digests = (hashlib.sha256(text.encode()).digest() for text in allowed)
        return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
