"""The stream says only that something is new, only to who has the token, and nothing depends on it."""

import asyncio

import pytest

from post_purchase.services import presence
from post_purchase.services.delivery import send_due
from post_purchase.web.public import chat_stream
from shopapp.lib import queue
from shopapp.lib.crypto import hash_secret

pytestmark = pytest.mark.django_db(transaction=True)


class Line:
    """One request of a page, as an ASGI server would carry it."""

    def __init__(self, headers: dict[str, str], method: str = "GET", path: str = chat_stream.PATH):
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": method, "path": path, "headers": raw}
        self.sent: asyncio.Queue = asyncio.Queue()
        self.left = asyncio.Event()

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def run(self):
        await chat_stream.application(self.scope, self.receive, self.sent.put)

    async def status(self):
        return (await asyncio.wait_for(self.sent.get(), 10))["status"]

    async def text(self):
        return (await asyncio.wait_for(self.sent.get(), 10))["body"]


def headers_of(browser, token=None):
    return {"authorization": f"Bearer {browser.token if token is None else token}", "x-room": str(browser.room)}


async def status_of(line):
    task = asyncio.ensure_future(line.run())
    status = await line.status()
    line.left.set()
    await asyncio.wait({task}, timeout=10)
    return status


def test_the_page_hears_of_a_message_and_of_nothing_in_it(chat):
    maria, otto = chat.browser(), chat.browser()
    maria.start()

    async def story():
        line = Line(headers_of(maria))
        task = asyncio.ensure_future(line.run())
        assert await line.status() == 200
        assert await line.text() == b": here\n\n"
        await until_heard()
        await asyncio.to_thread(send_due)
        said = await line.text()
        line.left.set()
        await asyncio.wait_for(task, 10)
        return said, await status_of(Line(headers_of(otto)))

    assert asyncio.run(story()) == (b"data: news\n\n", 401)
    assert chat_stream.hall.count == 0
    assert chat_stream.hall.waiting == {}


def test_the_page_hears_that_the_team_is_writing(chat):
    maria = chat.browser()
    maria.start()
    conversation = maria.point.contact.conversation

    async def story():
        line = Line(headers_of(maria))
        task = asyncio.ensure_future(line.run())
        await line.status()
        await line.text()
        await until_heard()
        await asyncio.to_thread(show_typing, conversation, maria.point)
        said = await line.text()
        line.left.set()
        await asyncio.wait_for(task, 10)
        return said

    assert asyncio.run(story()) == b"data: typing\n\n"


def show_typing(conversation, point):
    presence.show(conversation=conversation, point=point, typing=True)
    presence.show_due()


def test_the_team_sees_for_a_while_that_the_shopper_writes(chat):
    maria, otto = chat.browser(), chat.browser()
    maria.start()
    otto.start()
    assert maria.ask("typing").status_code == 204
    assert presence.does_shopper_type([maria.point])
    assert not presence.does_shopper_type([otto.point])
    assert 0 < queue.redis().ttl(f"doorstep:types:{maria.point.pk}") <= presence.SECONDS_SHOWN
    assert maria.ask("typing", token="A" * 43).status_code == 401
    answers = [maria.ask("typing").status_code for _ in range(21)]
    assert answers[-1] == 429


async def until_heard():
    for _ in range(200):
        if queue.redis().pubsub_numpat():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


def test_who_has_no_token_hears_nothing(chat):
    maria = chat.browser()
    maria.start()

    async def story():
        found = []
        for headers in (
            {},
            headers_of(maria, ""),
            headers_of(maria, "A" * 43),
            headers_of(maria, hash_secret(maria.token)),
            headers_of(maria) | {"x-room": "٣"},
            headers_of(maria) | {"x-room": "9" * 40},
            headers_of(maria) | {"x-room": str(maria.room + 1)},
        ):
            found.append(
                await status_of(Line({name: value.encode().decode("latin-1") for name, value in headers.items()}))
            )
        return found

    assert asyncio.run(story()) == [401] * 7


def test_other_addresses_and_methods(chat):
    async def story():
        lines = (Line({}, path="/"), Line({}, "POST"), Line({}, "OPTIONS"), Line({}, path="/health/live"))
        return [await status_of(line) for line in lines]

    assert asyncio.run(story()) == [404, 405, 204, 200]


def test_one_person_gets_only_so_many_lines(chat):
    maria = chat.browser()
    maria.start()

    async def story():
        lines = [Line(headers_of(maria)) for _ in range(5)]
        tasks = [asyncio.ensure_future(line.run()) for line in lines]
        found = [await line.status() for line in lines]
        for line in lines:
            line.left.set()
        await asyncio.wait(tasks, timeout=10)
        return sorted(found)

    assert asyncio.run(story()) == [200, 200, 200, 200, 503]
    assert chat_stream.hall.count == 0
