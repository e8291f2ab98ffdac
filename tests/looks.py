"""Where things stand in a page, all read at one moment: a page may still move between two."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Frame, Page


@dataclass(frozen=True)
class Box:
    """A visible element's rectangle, in pixels of its own frame."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def boxes(inside: Page | Frame, *selectors: str) -> list[Box]:
    """The rectangle of the first visible element of each selector, in their order."""
    for selector in selectors:
        inside.locator(selector).first.wait_for()
    found = inside.evaluate(
        """(selectors) => selectors.map((selector) => {
          const seen = [...document.querySelectorAll(selector)].find((e) => e.checkVisibility());
          const { left, top, right, bottom } = seen.getBoundingClientRect();
          return [left, top, right, bottom];
        })""",
        list(selectors),
    )
    return [Box(*each) for each in found]
