"""How WhatsApp's interactive messages look on the phone, within Meta's limits."""

from typing import Any

from demo.meta.graph import Refused


def interactive_look(interactive: dict[str, Any]) -> dict[str, Any]:
    text = str((interactive.get("body") or {}).get("text") or "")
    action, kind = interactive.get("action") or {}, interactive.get("type")
    if kind == "button":
        within("body.text", text, 1024)
        buttons = [each.get("reply") or {} for each in action.get("buttons") or []]
        if not 1 <= len(buttons) <= 3:
            raise Refused(
                131009,
                "Parameter value is not valid",
                details="Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3",
            )
        for button in buttons:
            within("button title", str(button.get("title") or ""), 20)
            within("button id", str(button.get("id") or ""), 256)
        return {"text": text, "buttons": buttons, "list": False}
    if kind == "list":
        within("body.text", text, 4096)
        within("action.button", str(action.get("button") or ""), 20)
        rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
        if not 1 <= len(rows) <= 10:
            raise Refused(
                131009, "Parameter value is not valid", details="Total row count exceed max allowed count: 10"
            )
        for row in rows:
            within("row title", str(row.get("title") or ""), 24)
            within("row id", str(row.get("id") or ""), 200)
        return {"text": text, "buttons": [{"id": row["id"], "title": row["title"]} for row in rows], "list": True}
    if kind == "cta_url":
        within("body.text", text, 1024)
        parameters = action.get("parameters") or {}
        image = ((interactive.get("header") or {}).get("image") or {}).get("link")
        within("display_text", str(parameters.get("display_text") or ""), 20)
        if not str(parameters.get("url") or "").startswith(("http://", "https://")):
            raise Refused(131009, "Parameter value is not valid", details="url must be http or https")
        return {
            "text": text,
            "buttons": [],
            "list": False,
            "link": {"title": parameters["display_text"], "url": parameters["url"]},
        } | ({"image": image} if image else {})
    if kind == "carousel":
        return _carousel(interactive, text)
    if kind == "request_contact_info":
        within("body.text", text, 1024)
        if action != {"name": "request_contact_info"}:
            raise Refused(131009, "Parameter value is not valid", details="action.name must be request_contact_info")
        return {"text": text, "buttons": [], "list": False, "asks_phone": True}
    raise Refused(131009, "Parameter value is not valid", details=f"interactive type {kind} is not known here")


def _carousel(interactive: dict[str, Any], text: str) -> dict[str, Any]:
    within("body.text", text, 1024)
    cards = (interactive.get("action") or {}).get("cards") or []
    if not 2 <= len(cards) <= 10 or {"header", "footer"} & set(interactive):
        raise Refused(131009, "Parameter value is not valid", details="A carousel has a body and 2 to 10 cards")
    if [card.get("card_index") for card in cards] != list(range(len(cards))):
        raise Refused(131009, "Parameter value is not valid", details="card_index counts the cards from 0")
    shown = [_card(card) for card in cards]
    if len({(bool(card["link"]), len(card["buttons"])) for card in shown}) != 1:
        raise Refused(131009, "Parameter value is not valid", details="Button types and numbers differ between cards")
    return {"text": text, "buttons": [], "list": False, "cards": shown}


def _card(card: dict[str, Any]) -> dict[str, Any]:
    image = ((card.get("header") or {}).get("image") or {}).get("link") or ""
    words, action = str((card.get("body") or {}).get("text") or ""), card.get("action") or {}
    within("card body", words, 160, empty=True)
    parameters = action.get("parameters") or {}
    buttons = [each.get("quick_reply") or {} for each in action.get("buttons") or []]
    is_link = card.get("type") == "cta_url" and action.get("name") == "cta_url"
    if not str(image).startswith("https://") or words.count("\n") > 2 or is_link == bool(buttons):
        raise Refused(131009, "Parameter value is not valid", details="A card has a picture, and a link or replies")
    for title in [parameters.get("display_text")] if is_link else [each.get("title") for each in buttons]:
        within("button title", str(title or ""), 20)
    link = {"title": parameters["display_text"], "url": parameters.get("url", "")} if is_link else None
    return {"text": words, "image": image, "link": link, "buttons": buttons}


def within(what: str, text: str, most: int, *, empty: bool = False) -> None:
    if not empty and not text.strip():
        raise Refused(131008, "Required parameter is missing", details=f"{what} is required")
    if len(text) > most:
        raise Refused(131009, "Parameter value is not valid", details=f"{what} length is {len(text)}, at most {most}")
