from django.urls import include, path

urlpatterns = [
    path("", include("post_purchase.web.urls")),
]
