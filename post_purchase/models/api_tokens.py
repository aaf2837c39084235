from django.db import models
from django.db.models import Q

from shopapp.models import Shop


class ApiToken(models.Model):
    """Lets a merchant's own system start flows. The token itself is shown once and kept only as a hash."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)  # what it is for
    token_hash = models.CharField(max_length=64, unique=True)
    tail = models.CharField(max_length=4)  # its last letters, to tell tokens apart
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64, blank=True)  # Shopify user id
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["shop", "id"], name="api_token_of_shop", condition=Q(revoked_at=None))]

    def __str__(self) -> str:
        return f"API token {self.pk}"
