"""The story step by step: what each step of a dataset's briefing tells, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo import checks, texts
from geo.dataset import Dataset


@dataclass(frozen=True)
class Told:
    """One claim of a step with its caveats, in words short enough for a screen."""

    claim: str
    title: str
    status_code: str
    status: str
    confidence: str
    denials: tuple[str, ...]


@dataclass(frozen=True)
class Stated:
    """A stated distance beside the measured one; ``verdict`` is one of those of ``checks``."""

    stated: str
    measured: str
    verdict: str
    words: str


@dataclass(frozen=True)
class Step:
    """One step of the briefing, with what a selection leaves of its claims.

    ``number``: as the table has it, which may leave gaps. ``claims``: those that are kept, in the
    order of the step; ``hidden``: how many more it names. ``bounds``: west, south, east, north in
    degrees, None where the table gives none.
    """

    number: int
    title: str
    text: str
    claims: tuple[Told, ...]
    hidden: int
    stated: tuple[Stated, ...]
    bounds: tuple[float, float, float, float] | None


def steps(kept: Dataset, lang: str) -> tuple[Step, ...]:
    """The steps of a dataset as ``selection.apply`` left it, in the order of their numbers."""
    found = [c for c in checks.run(kept, lang) if c.kind == "distance"]
    return tuple(_step(kept, row, found, lang) for _, row in kept.briefing.sort_index().iterrows())


def _step(kept: Dataset, row, found: list[checks.Check], lang: str) -> Step:
    # A claim named twice is told once.
    named = tuple(dict.fromkeys(str(row["claims"]).split()))
    shown = [claim for claim in named if claim in kept.claims.index]
    edges = tuple(float(row[edge]) for edge in ("west", "south", "east", "north"))
    return Step(
        number=int(row.name),
        title=texts.in_language(row, "title", lang),
        text=texts.in_language(row, "text", lang),
        claims=tuple(_told(kept, claim, lang) for claim in shown),
        hidden=len(named) - len(shown),
        stated=tuple(_stated(check, lang) for check in found if check.claim in shown),
        bounds=edges if all(map(math.isfinite, edges)) else None,
    )


def _told(kept: Dataset, claim_id: str, lang: str) -> Told:
    _ = texts.translator(lang)
    words = texts.terms(lang)
    claim = kept.claims.loc[claim_id]
    said = kept.statements[kept.statements["claim"] == claim_id]
    said = said[said["stance"] == "denies"]
    implied = said["scope"] == "implied"
    by_name = list(dict.fromkeys(said["source"][~implied]))
    # Who denies a claim by name needs no mention for what they only imply.
    only_implied = [s for s in dict.fromkeys(said["source"][implied]) if s not in by_name]
    denials = []
    for sources, phrase in (
        (by_name, _("Denied by {names}")),
        (only_implied, _("Denied by implication: {names}")),
    ):
        if sources:
            names = [texts.in_language(kept.sources.loc[s], "name", lang) for s in sources]
            denials.append(phrase.format(names=", ".join(names)))
    return Told(
        claim=claim_id,
        title=texts.in_language(claim, "title", lang),
        status_code=claim["status"],
        status=words["status"][claim["status"]],
        confidence=_("{head}: {text}").format(
            head=_("Confidence"), text=words["confidence"][claim["confidence"]].lower()
        ),
        denials=tuple(denials) or (_("No denial here"),),
    )


def _stated(check: checks.Check, lang: str) -> Stated:
    _ = texts.translator(lang)
    words = {
        checks.CONSISTENT: _("The two agree."),
        checks.INCONSISTENT: _("The two do not agree."),
        checks.CANNOT_BE_JUDGED: _("Too uncertain to say whether the two agree."),
    }
    return Stated(
        stated=_("{km} km stated").format(km=texts.number(check.claimed, lang)),
        measured=_("{km} km measured").format(km=texts.number(check.measured, lang)),
        verdict=check.verdict,
        words=words[check.verdict],
    )
