"""The people's door. One line a path; each view's file says who may come in."""

from django.urls import path

from post_purchase.web.pages import (
    channels,
    conversations,
    flow_editor,
    flows,
    home,
    settings,
    touchpoints,
)
from post_purchase.web.public import callbacks, extension, links, media, unsubscribe

urlpatterns = [
    path("app", home.home),
    path("app/", home.home),
    path("app/ping", home.ping),
    path("app/set-up/dismiss", home.dismiss_set_up),
    path("app/conversations", conversations.conversations),
    path("app/flows", flows.flows),
    path("app/flows/<int:pk>", flow_editor.flow),
    path("app/flows/<int:pk>/preview", flow_editor.preview_flow),
    path("app/flows/<int:pk>/publish", flows.publish_flow),
    path("app/flows/<int:pk>/switch", flows.switch),
    path("app/flows/<int:pk>/versions/<int:number>/restore", flows.restore),
    path("app/touchpoints", touchpoints.touchpoints),
    path("app/touchpoints/add", touchpoints.add_card),
    path("app/touchpoints/<int:pk>", touchpoints.touchpoint),
    path("app/touchpoints/<int:pk>/words", touchpoints.save_words),
    path("app/touchpoints/<int:pk>/archive", touchpoints.archive),
    path("app/touchpoints/<int:pk>/download/<slug:form>", touchpoints.download),
    path("app/settings", settings.settings),
    path("app/settings/channels", channels.channels),
    path("app/settings/channels/<slug:kind>", channels.channel_form),
    path("app/settings/channels/<slug:kind>/connect", channels.connect),
    path("app/channels/<int:pk>/disconnect", channels.disconnect),
    path("app/channels/<int:pk>/resume", channels.resume),
    path("app/settings/<slug:part>", settings.save_settings),
    path("app/privacy", settings.privacy),
    path("app/privacy/<int:pk>/export", settings.privacy_export),
    path("webhooks/whatsapp", callbacks.whatsapp),
    path("webhooks/messenger", callbacks.messenger),
    path("webhooks/instagram", callbacks.instagram),
    path("webhooks/email/<str:esp>/", callbacks.mail),
    path("c", links.type_code),
    path("c/<str:code>", links.open_link),
    path("C/<str:code>", links.open_link),  # QR codes are written in capitals
    path("media/<str:signed>", media.photo),
    path("unsubscribe/<str:code>", unsubscribe.unsubscribe),
    path("api/extension/thank-you", extension.thank_you),
]
