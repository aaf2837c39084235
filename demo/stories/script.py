"""The four stories of the main job. They act only through the doors of the outside world and look at what came of
it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from demo.pages.letters import rendered
from demo.settle import connect_everything
from demo.stories import rows
from demo.stories.people import ByMail, OnMessenger, OnWhatsApp, Shopper
from demo.stories.stage import SHOP, Stage, require, same
from post_purchase.models import ConsentEntry, ReviewPhoto
from post_purchase.words import MessageStatus

Bought = dict[str, Any]


def installed(here: Stage, *kinds: str) -> dict[str, str]:
    token = here.world.shopify.oauth.admin_token(SHOP)
    page = httpx.get(f"{here.app_url}/app", params=_admin_query(here, token), follow_redirects=True)
    same("the first page of the app", page.status_code, 200)
    require("no cookie in the Shopify iframe", "set-cookie" not in page.headers)
    papers = connect_everything(SHOP, here.world.shopify.oauth.admin_token(SHOP), kinds=kinds)
    shop = rows.Shop.objects.get(domain=SHOP)
    require("an expiring token pair", shop.access_token_expires_at and shop.refresh_token)
    here.until("the backfill to end", lambda: rows.Shop.objects.get(domain=SHOP).backfill_finished_at)
    if "whatsapp" in kinds or "messenger" in kinds:
        here.until("approved templates", lambda: rows.MessageTemplate.objects.filter(status="approved").exists())
        here.calm()
    here.step("The app is installed: ID token exchanged for an expiring pair, channels connected, flows switched on.")
    return papers


def _admin_query(here: Stage, token: str) -> dict[str, str]:
    host = here.world.shopify.oauth.host_parameter(SHOP)
    return {"embedded": "1", "shop": SHOP, "host": host, "id_token": token, "locale": "en"}


def bought(here: Stage, **fields: object) -> Bought:
    order = here.world.shopify.place_order(SHOP, **fields)
    here.until(
        "the order in the app",
        lambda: rows.Order.objects.filter(shopify_id=order["id"], paid_at__isnull=False).exists(),
    )
    here.calm()
    same(
        "messages before the shopper has said a word",
        [message.text for message in rows.outbound(order["id"]) if message.sent_at],
        [],
    )
    here.step(f"Order {order['name']} is paid. Nobody is written to who has not begun a chat.")
    return order


def tapped_on_thank_you_page(here: Stage, order: Bought, kind: str) -> str:
    """What the thank-you block does: ask with a buyer's token, draw the buttons; the shopper taps one.
    Returns where it leads."""
    answer = httpx.post(
        f"{here.app_url}/api/extension/thank-you",
        json={
            "order_id": f"gid://shopify/OrderIdentity/{order['id']}",
            "checkout_token": order["checkout_token"],
            "language": order["customer_locale"],
            "country": "DE",
        },
        headers={"Authorization": f"Bearer {here.world.shopify.oauth.buyer_token(SHOP)}", "Origin": "null"},
    )
    same(
        "the answer to the thank-you block",
        (answer.status_code, answer.headers.get("access-control-allow-origin")),
        (200, "*"),
    )
    offered = {channel["kind"]: channel["url"] for channel in answer.json()["channels"]}
    require(f"a button for {kind}", kind in offered, sorted(offered))
    return here.follow(offered[kind])


def bound(here: Stage, order: Bought, shopper: Shopper) -> None:
    here.until(
        "the chat bound to the order",
        lambda: rows.OrderBinding.objects.filter(order__shopify_id=order["id"], method="code").exists(),
    )
    here.until("an answer to the first message", shopper.heard)
    here.calm()
    same("answers to the first message", len(shopper.heard()), 1)
    require("the answer to name the order", str(order["name"]) in shopper.heard()[0], shopper.heard()[0])
    here.step(f"The chat is bound to {order['name']}; the shop answers: {_short(shopper.heard()[0])}")


def parcel_travels(here: Stage, order: Bought, shopper: Shopper, *, disturbed: bool = True) -> None:
    """Shipped, out for delivery, delivered; some news twice, some out of order. One message for each real change."""
    shopify, order_id = here.world.shopify, int(order["id"])
    before = len(shopper.heard())
    here.world.faults.switches.update(duplicate=disturbed, disorder=disturbed)
    parcel = shopify.ship(SHOP, order_id)
    shopify.scan(SHOP, parcel["id"], "in_transit")
    tracking = parcel["tracking_url"]
    gathered(here)
    _one_more(here, shopper, before + 1, "shipped", ("On its way", "Stoneware mug", order["name"], "DHL", tracking))
    to_day(here, hour=10, days=2)
    shopify.scan(SHOP, parcel["id"], "out_for_delivery")
    shopify.scan(SHOP, parcel["id"], "in_transit", at=here.world.now() - timedelta(hours=5))
    gathered(here)
    _one_more(
        here, shopper, before + 2, "out for delivery", ("Out for delivery today: Stoneware mug", order["name"], "DHL")
    )
    here.move(hours=4)
    shopify.scan(SHOP, parcel["id"], "delivered")
    shopify.scan(SHOP, parcel["id"], "out_for_delivery", at=here.world.now() - timedelta(hours=3))
    gathered(here)
    _one_more(here, shopper, before + 3, "delivered", ("Delivered: Stoneware mug", order["name"]))
    here.world.faults.clear()
    if not isinstance(shopper, ByMail):  # a day after the shopper's last word: approved templates, to the letter
        name = order["name"]
        exact = [
            f"Out for delivery today: Stoneware mug from your order {name} with DHL. "
            "We tell you here when it has arrived.",
            f"Delivered: Stoneware mug from your order {name} has arrived, says the carrier. "
            "If it is not here or is damaged, just answer.",
        ]
        same("the two templates", shopper.heard()[-2:], exact)


def to_day(here: Stage, *, hour: int, days: int) -> None:
    """Ahead to this hour in UTC, some days on: outside everybody's quiet hours."""
    now = here.world.now()
    wanted = (now + timedelta(days=days)).replace(hour=hour, minute=0, second=0)
    here.move(seconds=(wanted - now).total_seconds())


def gathered(here: Stage) -> None:
    """News of a parcel waits some minutes for news of another one, so that a split shipment is one message."""
    here.calm()
    here.move(minutes=20)


def _one_more(here: Stage, shopper: Shopper, count: int, what: str, says: tuple[str, ...]) -> None:
    try:
        here.until(f"the message that it is {what}", lambda: len(shopper.heard()) >= count)
    finally:
        if len(shopper.heard()) < count:
            print("Messages that wait or were not sent:", rows.put_off())
    here.calm()
    same(f"messages after it was {what}", len(shopper.heard()), count)
    text = shopper.heard()[-1]
    for part in says:
        require(f"the message that it is {what} to say {part!r}", part in text, text)
    here.step(f"{what.capitalize()}: {_short(text)}")


def review_is_asked(here: Stage, shopper: Shopper) -> None:
    before = len(shopper.heard())
    to_day(here, hour=10, days=6)
    here.calm()
    same("messages after six days", len(shopper.heard()), before)
    to_day(here, hour=16, days=1)
    _one_more(
        here,
        shopper,
        before + 1,
        "seven days at home: the review question",
        ("Stoneware mug", "how do you like it?", "1", "5"),
    )


def review_is_given(
    here: Stage, order: Bought, shopper: Shopper, *, rating: int, say: str, photo: bool = True
) -> rows.Review:
    before = len(shopper.heard())
    shopper.answers(str(rating))
    here.until("the next question", lambda: len(shopper.heard()) > before)
    here.calm()
    here.step(f'The shopper answers "{rating}": {_short(shopper.heard()[-1])}')
    if say:
        before = len(shopper.heard())
        shopper.says(say)
        here.until("the next question", lambda: len(shopper.heard()) > before)
        here.calm()
    if photo:
        shopper.photo()
        here.until(
            "the stored photo",
            lambda: ReviewPhoto.objects.exists() or rows.Attachment.objects.filter(status="stored").exists(),
        )
    review = here.until("the review", lambda: rows.Review.objects.filter(order__shopify_id=order["id"]).first())
    here.calm()
    review.refresh_from_db()
    same("reviews of this order", rows.Review.objects.filter(order__shopify_id=order["id"]).count(), 1)
    same("the rating", review.rating, rating)
    same("published whatever the rating", review.status, "published")
    require("the disclosure stored with the review", review.incentivised and review.disclosure, review.disclosure)
    if photo:
        image = rows.photo_of(review)
        same("EXIF in the stored photo", dict(image.getexif()), {})
        same("format of the stored photo", image.format, "JPEG")
        require("the photo turned upright", image.height > image.width, image.size)
    with_photo = ", photo without EXIF" if photo else ""
    here.step(f'Review saved: {review.rating} of 5{with_photo}, "{_short(review.disclosure)}"')
    return review


def help_is_taken(here: Stage, order: Bought, shopper: Shopper) -> rows.Conversation:
    """The low rating offered a person; the shopper taps it. The team is told outside the admin, by mail."""
    require("the offer of help", "shall a person of our team help you" in shopper.heard()[-1], shopper.heard()[-1])
    shopper.answers("Get help")
    waiting = rows.Conversation.objects.filter(order__shopify_id=order["id"], handed_off_at__isnull=False)
    conversation = here.until("the chat handed to the team", waiting.first)
    here.until("the words that a person comes", lambda: any("takes over" in text for text in shopper.heard()))
    team = str(here.world.state.part("shops")[SHOP]["email"])
    wanted = f"Order {order['name']}: a shopper needs you"
    told = here.until(
        "the mail to the team", lambda: [mail for mail in here.world.mail.inbox(team) if mail["subject"] == wanted]
    )
    here.calm()
    same("mails to the team", len(told), 1)
    require("the way to the chat in it", f"conversations%2F{conversation.pk}" in told[0]["text"], told[0]["text"])
    here.step(f'One star and "Get help": the flow says a person comes, the team gets the mail "{wanted}".')
    return conversation


def person_answers(here: Stage, conversation: rows.Conversation, shopper: Shopper, text: str) -> None:
    """In the admin's own page, with the token of a member of staff."""
    before = len(shopper.heard())
    point = conversation.contact.points.filter(last_inbound_at__isnull=False).order_by("-last_inbound_at")[0]
    answer = httpx.post(
        f"{here.app_url}/app/conversations/{conversation.pk}/reply",
        params={"shop": SHOP},
        data={"text": text, "point": point.pk, "key": "ABCDEFGHJKMNPQRS"},
        headers={"Authorization": f"Bearer {here.world.shopify.oauth.admin_token(SHOP)}"},
    )
    same("the answer to the person's reply", answer.status_code, 200)
    here.move(seconds=10)  # it can be taken back for five
    here.until("the person's words on the phone", lambda: len(shopper.heard()) > before)
    here.calm()
    same("what the shopper got", shopper.heard()[before:], [text])
    here.step(f"A person answers in the admin: {_short(text)}")


def reward_came(here: Stage, order: Bought, shopper: Shopper) -> str:
    reward = here.until(
        "the reward", lambda: rows.Reward.objects.filter(order__shopify_id=order["id"], status="issued").first()
    )
    here.until("the code on the phone", lambda: any(reward.code in text for text in shopper.heard()))
    here.calm()
    same("messages with the code", sum(reward.code in text for text in shopper.heard()), 1)
    same("discounts at Shopify", [each["code"] for each in here.world.shopify.discounts(SHOP)], [reward.code])
    checkout = [here.world.shopify.redeem_discount(SHOP, reward.code) for _ in range(2)]
    same("what the checkout says to the code, twice", checkout, ["ok", "used up"])
    here.step(f"A single-use discount of {float(reward.percentage):g} % exists at Shopify and was sent once.")
    return str(reward.percentage)


def where_is_it(here: Stage, shopper: Shopper, *, words: tuple[str, ...]) -> None:
    before = len(shopper.heard())
    shopper.says("Where is my order?")
    here.until("the truth about the parcel", lambda: len(shopper.heard()) > before)
    here.calm()
    same("answers to where is my order", len(shopper.heard()), before + 1)
    text = shopper.heard()[-1]
    require(f"the answer to say {' or '.join(words)}", any(word.lower() in text.lower() for word in words), text)
    here.step(f'"Where is my order?": {_short(text)}')


def stop_ends_everything(here: Stage, order: Bought, shopper: Shopper) -> None:
    before = len(shopper.heard())
    shopper.says("STOP")
    here.until("the confirmation", lambda: len(shopper.heard()) > before)
    here.calm()
    same("messages after STOP", len(shopper.heard()), before + 1)
    require("the withdrawal in the ledger", ConsentEntry.objects.filter(state="withdrawn").exists())
    here.world.shopify.refund(SHOP, int(order["id"]))
    second = here.world.shopify.place_order(SHOP, email=str(order["email"]))
    parcel = here.world.shopify.ship(SHOP, second["id"])
    here.world.shopify.scan(SHOP, parcel["id"], "delivered")
    here.calm()
    to_day(here, hour=16, days=9)
    here.calm()
    same("messages nine days after STOP", len(shopper.heard()), before + 1)
    waiting = rows.Message.objects.filter(status__in=(MessageStatus.QUEUED, MessageStatus.HELD, MessageStatus.SENDING))
    same("messages still waiting to be sent", waiting.count(), 0)
    here.step(f'"STOP": {_short(shopper.heard()[-1])} Then silence, whatever happens.')


def whatsapp(here: Stage) -> None:
    installed(here, "whatsapp")
    to_day(here, hour=9, days=1)
    order = bought(here, first_name="Maria", last_name="Lang", language="en", country="DE")
    target = tapped_on_thank_you_page(here, order, "whatsapp")
    require("a wa.me link of our number", "/wa.me/15550783881" in target, target)
    draft = parse_qs(urlsplit(target).query)["text"][0]
    here.step(f'The shopper taps WhatsApp on the thank-you page; the draft says "{draft}"')
    maria = OnWhatsApp(here, here.world.whatsapp.create_person("Maria"))
    maria.says(draft)
    bound(here, order, maria)
    where_is_it(here, maria, words=("not been shipped", "not shipped", "preparing", "packed", "getting ready", "yet"))
    parcel_travels(here, order, maria)
    review_is_asked(here, maria)
    review_is_given(here, order, maria, rating=5, say="Lovely mug, holds the heat.")
    reward_came(here, order, maria)
    where_is_it(here, maria, words=("delivered",))
    stop_ends_everything(here, order, maria)


def messenger(here: Stage) -> None:
    papers = installed(here, "messenger")
    to_day(here, hour=9, days=1)
    order = bought(here, first_name="Luc", last_name="Martin", email="luc@example.com", language="en", country="DE")
    letter = rendered(papers["notifications"]["order_confirmation"]["en"], order, here.world.state.part("shops")[SHOP])
    url = letter.split('href="', 1)[1].split('"', 1)[0]
    target = here.follow(url)
    require("an m.me link of our page", "/m.me/" in target, target)
    ref = parse_qs(urlsplit(target).query)["ref"][0]
    here.step("The shopper taps the button in the confirmation e-mail and lands in Messenger.")
    luc = OnMessenger(here, here.world.messenger.create_person("Luc Martin"))
    here.world.messenger.open_link(luc.psid, ref)
    bound(here, order, luc)
    parcel_travels(here, order, luc)
    review_is_asked(here, luc)
    review_is_given(here, order, luc, rating=5, say="Very good.")
    reward_came(here, order, luc)
    where_is_it(here, luc, words=("delivered",))
    stop_ends_everything(here, order, luc)


def email(here: Stage) -> None:
    papers = installed(here, "email")
    to_day(here, hour=9, days=1)
    order = bought(here, first_name="Ada", last_name="Holm", email="ada@example.com", language="en", country="DE")
    target = here.follow(papers["card_url"].replace(papers["card_url"].split("/C/")[0], here.app_url))
    require("a mailto link of our sender", target.startswith("mailto:"), target)
    parts = urlsplit(target)
    asked = parse_qs(parts.query)
    here.step("The shopper scans the card in the parcel; the mail program opens.")
    ada = ByMail(here, "ada@example.com")
    here.world.mail.write(ada.address, parts.path, asked.get("subject", ["Hello"])[0], asked.get("body", ["Hello"])[0])
    here.until("an answer by e-mail", ada.heard)
    here.calm()
    same("answers to the first mail", len(ada.heard()), 1)
    here.step(f"The shop answers: {_short(ada.heard()[0])}")
    parcel_travels(here, order, ada)
    review_is_asked(here, ada)
    review_is_given(here, order, ada, rating=5, say="Very good.")
    reward_came(here, order, ada)
    where_is_it(here, ada, words=("delivered",))
    stop_ends_everything(here, order, ada)


def one_star(here: Stage) -> None:
    installed(here, "whatsapp")
    to_day(here, hour=9, days=1)
    order = bought(here, first_name="Tom", last_name="Berg", email="tom@example.com", language="en", country="DE")
    target = tapped_on_thank_you_page(here, order, "whatsapp")
    tom = OnWhatsApp(here, here.world.whatsapp.create_person("Tom", phone="4915200000077", hide_phone=True))
    tom.says(parse_qs(urlsplit(target).query)["text"][0])
    bound(here, order, tom)
    parcel_travels(here, order, tom, disturbed=False)
    review_is_asked(here, tom)
    review_is_given(here, order, tom, rating=1, say="", photo=False)
    conversation = help_is_taken(here, order, tom)
    percentage = reward_came(here, order, tom)
    same("the reward of a one-star review, in per cent", float(percentage), 10.0)
    person_answers(here, conversation, tom, "I am sorry, Tom. A new mug is on its way to you today.")
    before = len(tom.heard())
    to_day(here, hour=16, days=9)
    here.calm()
    same("messages nine days later, while a person looks after this shopper", len(tom.heard()), before)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 110 else f"{line[:107]}..."


STORIES: dict[str, Callable[[Stage], None]] = {
    "whatsapp": whatsapp,
    "messenger": messenger,
    "email": email,
    "one-star": one_star,
}
