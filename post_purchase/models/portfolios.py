from django.db import models

from .contacts import ContactPoint


class FirstWord(models.Model):
    """A person to whom a business has written first, outside the window. Meta counts these people for a portfolio."""

    portfolio = models.CharField(max_length=64)  # channels.base.Portfolio.key
    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="first_words")
    said_at = models.DateTimeField()  # the newest one: a person counts until 24 hours after it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["portfolio", "point"], name="first_word_once_per_person")]
        indexes = [models.Index(fields=["portfolio", "said_at"], name="first_word_recent")]

    def __str__(self) -> str:
        return f"first word {self.pk}"
