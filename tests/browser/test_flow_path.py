"""The path as a browser lays it out: every card of every flow can be seen, and none covers another."""

import pytest

from post_purchase.flows import drafts
from post_purchase.flows.editing import install_library
from tests.pages.seed import seed

pytestmark = pytest.mark.browser
WIDTHS = (390, 768, 1280, 1440, 1920)
NARROWEST = 120  # px of a card whose words can be read
CANNOT_BE_SEEN = """() => {
  const found = [], drawn = [...document.querySelectorAll("#flow-path .step, #flow-path .add, #flow-path .goes-to")];
  const name = (one) => one.id || one.dataset.edge || one.textContent;
  for (const one of drawn) {
    one.scrollIntoView({ block: "center", inline: "center" });
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const x = (left + right) / 2, y = (top + bottom) / 2;
    const points = [[left + 4, y], [right - 4, y], [x, top + 4], [x, bottom - 4]];
    if (!points.every((point) => one.contains(document.elementFromPoint(...point)))) found.push(name(one));
  }
  const cards = [...document.querySelectorAll("#flow-path .step")].map((one) => [one.id, one.getBoundingClientRect()]);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  for (const [id, place] of cards) {
    if (place.width < NARROWEST) found.push(`${id} is ${place.width} px wide`);
    for (const [other, its] of cards) if (id < other && meet(place, its)) found.push(`${id} lies on ${other}`);
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return wide > 0 ? [...found, `${wide} px too wide`] : found;
}""".replace("NARROWEST", str(NARROWEST))
PLACES = """(all) => all.map((one) => one.getBoundingClientRect())
  .map(({ left, top }) => [Math.round(left), Math.round(top)])"""


def troubles(page) -> list[str]:
    """In each width, of the page that is open."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("new Promise(requestAnimationFrame)")
        found += [f"{width}: {trouble}" for trouble in page.evaluate(CANNOT_BE_SEEN)]
    return found


def test_every_card_of_the_library_can_be_seen_in_every_width(admin, shop):
    flows = install_library(shop)
    found = []
    for flow in flows:
        page = admin.open(f"/app/flows/{flow.pk}")
        assert page.locator("#flow-path .step").count() > len(flow.draft["steps"])  # and what starts it
        found += [f"{flow.key}, {trouble}" for trouble in troubles(page)]
    assert len(flows) == 18
    assert found == []


def nested(depth: int) -> dict[str, dict[str, object]]:
    """Questions within the answers to questions, each with a way that ends and one that goes on."""
    steps: dict[str, dict[str, object]] = {"last": {"kind": "end", "reason": "The last of all"}}
    for at in range(depth):
        below = f"ask_{at + 1}" if at + 1 < depth else "last"
        choices = {"yes": below, "no": f"stop_{at}", "perhaps": None}
        steps[f"ask_{at}"] = {"kind": "ask", "message": "thanks", "choices": choices, "timeout": "P1D"}
        steps[f"stop_{at}"] = {"kind": "end", "reason": "Averylongwordwithoutanyplacewhereitcouldbebroken"}
    return steps


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_six_questions_within_each_other_can_be_read(admin, shop, direction):
    flow = seed(shop).flow
    drafts.change(flow, lambda old: old | {"start": "ask_0", "steps": nested(6)}, user="42", what="Changed")
    page = admin.open(f"/app/flows/{flow.pk}")
    page.evaluate(f"document.documentElement.dir = '{direction}'")
    assert page.locator("#flow-path .step").count() > 13
    admin.photograph(f"editor-nested-{direction}")
    assert troubles(page) == []


def test_two_ways_lie_beside_each_other_where_there_is_room(admin, shop):
    """Within a narrow way they stand below each other, on a line."""
    flow = next(one for one in install_library(shop) if one.key == "check_in")
    page = admin.open(f"/app/flows/{flow.pk}")
    outer = page.eval_on_selector_all(".root > .ways:has(> :nth-child(2)) > .way", PLACES)
    assert len(outer) == 4
    assert len({left for left, _ in outer}) == 4
    assert len({top for _, top in outer}) == 1
    inner = page.eval_on_selector_all(".way:has(#at-what_is_wrong) > .ways > .way", PLACES)
    assert len(inner) == 2
    assert len({left for left, _ in inner}) == 1
    assert inner[0][1] < inner[1][1]
