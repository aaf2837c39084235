from django.db import models

from .contacts import ContactPoint


class WebPhoto(models.Model):
    """A photo as the web chat's page sent it, until services/media has made it safe. Kept for a day at most."""

    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="web_photos")
    key = models.CharField(max_length=64)  # the page's own, so that a second try stores nothing twice
    content = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["point", "key"], name="web_photo_once")]
        indexes = [models.Index(fields=["received_at"], name="web_photo_age")]  # jobs.clean_up

    def __str__(self) -> str:
        return f"web photo {self.pk}"
