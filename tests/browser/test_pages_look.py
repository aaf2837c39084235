"""Every page, wide and on a phone: nothing overflows, nothing breaks WCAG as axe sees it."""

import pytest

from tests.browser.conftest import ROOT, SIZES
from tests.pages.doors import PAGES, address
from tests.pages.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.npm]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
LOOKED_AT = [name for name in PAGES if name not in ("conversations, closed", "conversations, searched")]


@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_and_can_be_read_by_everybody(admin, shop, size):
    rows = seed(shop)
    admin.page.set_viewport_size(SIZES[size])
    troubles = []
    for name in LOOKED_AT:
        admin.open(address(PAGES[name], rows))
        admin.photograph(f"{name.replace(', ', '-').replace(' ', '-')}-{size}")
        troubles += [f"{name}: {problem}" for problem in problems(admin.page)]
    assert troubles == []


@pytest.mark.parametrize("size", SIZES)
def test_empty_pages_fit_and_can_be_read_by_everybody(admin, size):
    admin.page.set_viewport_size(SIZES[size])
    troubles = []
    for name in ("home", "conversations", "flows", "touchpoints", "reviews", "channels", "privacy"):
        admin.open(PAGES[name])
        admin.photograph(f"{name}-empty-{size}")
        troubles += [f"{name}: {problem}" for problem in problems(admin.page)]
    assert troubles == []


def problems(page) -> list[str]:
    found = [f"{page.evaluate(OVERFLOW)} px too wide"] if page.evaluate(OVERFLOW) > 0 else []
    page.evaluate(AXE.read_text())
    violations = page.evaluate(f"axe.run(document, {RULES}).then((result) => result.violations)")
    return found + [f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['html'][:140]}" for one in violations]
