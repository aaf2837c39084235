from django.db import models

from shopapp.models import Shop


class Suppression(models.Model):
    """What is left of a STOP after an erasure: nobody can read who it was, and it counts again if they come back."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="suppressions")
    address_hash = models.CharField(max_length=64)  # keyed (crypto.keyed_hashes): network, account and address
    purposes = models.JSONField(default=list)  # withdrawn: words.Purpose
    withdrawn_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "address_hash"], name="suppression_once_per_address")]

    def __str__(self) -> str:
        return f"suppression {self.pk}"
