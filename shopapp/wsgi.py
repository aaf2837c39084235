"""The web server's entry: what is hot goes past Django's handler, everything else goes through it.

A front door takes the WSGI call and answers, or gives None. The app's own doors are named in settings.FRONT_DOORS, as
the shell does not know the app.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopapp.settings")
django_application = get_wsgi_application()

from shopapp.web import webhooks  # noqa: E402  (models can be imported only now)

front_doors = [import_string(path) for path in settings.FRONT_DOORS]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == webhooks.PATH:
        return webhooks.door(environ, start_response)
    for door in front_doors:
        answer: Iterable[bytes] | None = door(environ, start_response)
        if answer is not None:
            return answer
    return django_application(environ, start_response)
