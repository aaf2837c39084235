"""Our WhatsApp requests against Meta's own OpenAPI description, judged by Prism: a stranger's eye on what we send."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from post_purchase.channels.base import Button, ChannelError, Outcome, OutMessage, TemplateUse
from post_purchase.channels.cards import Card
from post_purchase.channels.registry import driver_for
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import http
from tests.environment import ROOT, free_port
from tests.factories import make_channel, make_contact, make_point, make_shop

pytestmark = [pytest.mark.npm, pytest.mark.django_db]
PRISM = ROOT / "node_modules" / ".bin" / "prism"
DESCRIPTION = ROOT.parent / "shared" / "tools" / "meta_patched.json"
DRIVER = driver_for(ChannelKind.WHATSAPP)
START_SECONDS = 120


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not PRISM.exists() or not DESCRIPTION.exists():
        pytest.skip("Prism or Meta's description is not here")
    port = free_port()
    log = tmp_path_factory.mktemp("prism") / "log"
    with log.open("wb") as output:
        command = [str(PRISM), "mock", "-p", str(port), "--errors", str(DESCRIPTION)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + START_SECONDS
            while b"is listening" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"Prism did not start: {log.read_text()[-500:]}")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def origin(prism: str, settings: Any) -> str:
    settings.META_GRAPH_ORIGIN, settings.META_GRAPH_VERSION = prism, "v23.0"
    return prism


CARDS = [
    Card(title=name, button="View", image_url=f"https://x.example.com/{name}.jpg", url=f"https://x.example.com/{name}")
    for name in ("mug", "pot")
]
FIVE = [Button(id=f"rate:{n}", title=f"{n} ★") for n in range(1, 6)]


@pytest.mark.parametrize(
    ("message", "mode"),
    [
        (OutMessage(text="Hello"), Mode.FREE),
        (OutMessage(text="x" * 4096), Mode.FREE),
        (OutMessage(text="Which?", buttons=FIVE[:3]), Mode.FREE),
        (OutMessage(text="How was it?", buttons=FIVE, list_title="Rate"), Mode.FREE),
        (OutMessage(text="Look", cards=CARDS), Mode.FREE),
        (OutMessage(text="Your number?", asks_phone=True), Mode.FREE),
        (OutMessage(text="Look", image_path="https://app.example.test/mug.jpg"), Mode.FREE),
        (
            OutMessage(text="-", template=TemplateUse(name="order_shipped", language="de", parameters=["#1001"])),
            Mode.TEMPLATE,
        ),
    ],
    ids=["text", "longest text", "buttons", "list", "carousel", "contact request", "picture", "template"],
)
@pytest.mark.parametrize("address", ["4915112345678", "DE.1349120865530274"], ids=["phone", "bsuid"])
def test_what_we_send_is_what_meta_describes(origin: str, message: OutMessage, mode: Mode, address: str) -> None:
    channel = make_channel(make_shop())
    point = make_point(make_contact(channel.shop), address=address)
    assert DRIVER.send(channel=channel, point=point, message=message, mode=mode, ref="REF1").provider_id


def test_the_judge_does_refuse(origin: str) -> None:
    wrong = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "49", "type": "text"}
    wrong["text"] = {"body": "x" * 4097}  # type: ignore[assignment]
    reply = http.request(
        "POST",
        f"{origin}/v23.0/106540352242922/messages",
        json=wrong,
        headers={"Authorization": "Bearer x"},
    )
    assert reply.status >= 400


def test_metas_own_example_of_a_refusal_is_understood(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = http.request

    def ask(method: str, url: str, **more: Any) -> http.Reply:
        return real(method, url, **(more | {"headers": more["headers"] | {"Prefer": "code=400, example=131047"}}))

    monkeypatch.setattr(http, "request", ask)
    channel = make_channel(make_shop())
    with pytest.raises(ChannelError) as caught:
        DRIVER.send(
            channel=channel,
            point=make_point(make_contact(channel.shop)),
            message=OutMessage(text="Hello"),
            mode=Mode.FREE,
            ref="REF1",
        )
    assert (caught.value.outcome, caught.value.code) == (Outcome.USE_TEMPLATE, "131047")
