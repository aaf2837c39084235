import pytest

from tests import factories


@pytest.mark.django_db
def test_the_builders_make_rows_that_hold_together():
    shop = factories.make_shop()
    contact = factories.make_contact(shop)
    order = factories.make_order(shop, contact, lines=2)
    point = factories.make_point(contact)
    factories.bind(point, order)
    message = factories.make_message(factories.make_conversation(contact), "Hi", point=point)
    assert shop.settings.display_name == "Fern & Field"
    assert [line.title for line in order.lines.all()] == ["Stoneware mug", "Linen apron"]
    assert message.conversation.contact == contact
    shop.refresh_from_db()
    assert shop.access_token == "test-access-token"
