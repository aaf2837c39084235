"""The web server's entry: Shopify's webhooks go past Django's handler, everything else goes through it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopapp.settings")
django_application = get_wsgi_application()

from shopapp.web import webhooks  # noqa: E402  (models can be imported only now)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == webhooks.PATH:
        return webhooks.door(environ, start_response)
    return django_application(environ, start_response)
