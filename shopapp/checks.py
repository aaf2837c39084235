"""System checks: what must not be so on a machine that serves real merchants."""

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register(deploy=True)
def no_demo_in_production(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(Error("DEMO is on: the demo world must never run in production", id="doorstep.E001"))
    if settings.CLOCK_FILE:
        found.append(Error("CLOCK_FILE is set: only the demo may move the clock", id="doorstep.E002"))
    if not settings.APP_URL.startswith("https://"):
        found.append(Error("APP_URL must start with https://: Shopify and Meta call nothing else", id="doorstep.E003"))
    return found


@register()
def keys_can_be_used(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    for number, key in enumerate(settings.FIELD_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            hint = "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            return [Error(f"FIELD_KEYS: key {number} is not a Fernet key", hint=hint, id="doorstep.E004")]
    return []


@register()
def meta_keys_come_together(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    names = ("META_APP_ID", "META_APP_SECRET", "META_VERIFY_TOKEN")
    missing = [name for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        return [
            Warning(
                f"WhatsApp, Messenger and Instagram stay switched off: {', '.join(missing)} is missing",
                id="doorstep.W001",
            )
        ]
    return []
