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
LOOKED_AT = [name for name in PAGES if name not in ("conversations, closed", "conversations, searched")]


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
        troubles += [f"{name}, {size}: {problem}" for problem in problems(admin.page)]
    return troubles


def problems(page) -> list[str]:
    found = [f"{page.evaluate(OVERFLOW)} px too wide"] if page.evaluate(OVERFLOW) > 0 else []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    violations = page.evaluate(f"axe.run(document, {RULES}).then((result) => result.violations)")
    return found + [f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['html'][:140]}" for one in violations]
