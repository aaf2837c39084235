"""Meta's sign-up window, by its stand-in: what static/whatsapp.js does with what the window tells."""

from typing import Any

import pytest

from demo.world import DemoWorld
from post_purchase.models import Channel
from shopapp.lib import clock
from tests.pretend_world import ENVIRONMENT

pytestmark = pytest.mark.browser
FORGED = """postMessage(JSON.stringify({type: "WA_EMBEDDED_SIGNUP", event: "FINISH",
    data: {phone_number_id: "11111", waba_id: "22222"}}), "*")"""


def test_a_number_is_connected_in_metas_window(admin: Any, settings: Any, shop: Any) -> None:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.whatsapp.create_number()
        settings.META_GRAPH_ORIGIN, settings.DEMO = f"{world.url}/graph", True
        settings.META_SIGNUP_CONFIG_ID, settings.FACEBOOK_SDK_URL = "777", f"{world.url}/facebook/sdk.js"
        page = admin.open("/app/settings/channels/whatsapp")
        with page.expect_popup() as popup:
            page.click("[data-whatsapp-signup]")
        page.evaluate(FORGED)  # of another origin than the window's: not believed
        popup.value.click("#go")
        page.wait_for_url("**/app/settings/channels?**")
        channel = Channel.objects.get(shop=shop)
        assert (channel.account_id, channel.status) == ("106540352242922", "active")
