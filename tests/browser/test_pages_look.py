"""Every page, wide and on a phone: nothing overflows, nothing breaks WCAG as axe sees it."""

import pytest

from tests.browser.conftest import ROOT, SIZES
from tests.pages.doors import PAGES, address
from tests.pages.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.npm]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RULES = (
    "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'], preload: false}"
)
# A narrow window changes where things stand, not what they are called nor their colours.
OF_PLACE = "{runOnly: {type: 'rule', values: ['target-size', 'scrollable-region-focusable']}, preload: false}"
SAME_PARTS = {  # the same page with fewer or other rows
    "conversations, closed",
    "conversations, searched",
    "rehearsed messages, searched",
    "touchpoint, a week",
    "packing, searched",
    "reviews, five stars",
    "connect Messenger",
    "connect Instagram",
    "connections, failed calls",
}
LOOKED_AT = [name for name in PAGES if name not in SAME_PARTS]


def test_pages_fit_and_can_be_read_by_everybody(admin, shop):
    rows = seed(shop)
    troubles = []
    for name in LOOKED_AT:
        admin.page.set_viewport_size(SIZES["wide"])
        admin.open(address(PAGES[name], rows))
        troubles += in_all_sizes(admin, name)
    assert troubles == []


def test_empty_pages_fit_and_can_be_read_by_everybody(admin):
    troubles = []
    for name in ("home", "conversations", "flows", "touchpoints", "reviews", "channels", "privacy"):
        admin.page.set_viewport_size(SIZES["wide"])
        admin.open(PAGES[name])
        troubles += in_all_sizes(admin, name, "-empty")
    assert troubles == []


def in_all_sizes(admin, name: str, mark: str = "") -> list[str]:
    """One page, drawn anew in each size."""
    troubles = []
    for size, pixels in SIZES.items():
        admin.page.set_viewport_size(pixels)
        admin.page.evaluate("new Promise(requestAnimationFrame)")
        admin.photograph(f"{name.replace(', ', '-').replace(' ', '-')}{mark}-{size}")
        troubles += [
            f"{name}, {size}: {problem}" for problem in problems(admin.page, RULES if size == "wide" else OF_PLACE)
        ]
    return troubles


def problems(page, rules: str = RULES) -> list[str]:
    found = [f"{page.evaluate(OVERFLOW)} px too wide"] if page.evaluate(OVERFLOW) > 0 else []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    violations = page.evaluate(f"axe.run(document, {rules}).then((result) => result.violations)")
    return found + [f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['html'][:140]}" for one in violations]
