"""The bound of every HTTP figure: an empty Django view on the same server, without middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"ok", content_type="text/plain")


urlpatterns = [path("empty", empty)]
