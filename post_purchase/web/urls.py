"""The people's door. One line a path; each view's file says who may come in."""

from django.urls import path

from post_purchase.web.public import extension, links, unsubscribe

urlpatterns = [
    path("c", links.type_code),
    path("c/<str:code>", links.open_link),
    path("C/<str:code>", links.open_link),  # QR codes are written in capitals
    path("unsubscribe/<str:code>", unsubscribe.unsubscribe),
    path("api/extension/thank-you", extension.thank_you),
]
