from django.urls import include, path, re_path

from shopapp.web import embedded, health, proxy, webhooks

handler404 = "shopapp.web.errors.not_found"
handler500 = "shopapp.web.errors.broken"
urlpatterns = [
    path("webhooks/shopify", webhooks.shopify_webhook),  # shopapp/wsgi.py answers it before Django sees it
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
    path("app/patch-id-token", embedded.patch_id_token),
    re_path(r"^proxy/c/(?P<code>[A-Za-z0-9-]{4,40})$", proxy.proxied_link),
    path("", include("post_purchase.web.urls")),
    re_path(r"^(?P<rest>(?:conversations|flows|reviews|settings)(?:/[a-z0-9/-]*)?)$", embedded.into_the_app),
    re_path(r"^app/(?P<rest>app(?:/[a-z0-9/-]*)?)$", embedded.into_the_app),
]
