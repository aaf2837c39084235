"""One settings file. Everything that differs between machines comes from the environment (docs/settings.md).

A missing required variable stops the start with its name. An optional one that is empty switches its feature off.
"""

import sys
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

SECRET_KEY = env.str("SECRET_KEY")
APP_URL = env.str("APP_URL").rstrip("/")
DATABASE_URL = env.str("DATABASE_URL")
REDIS_URL = env.str("REDIS_URL")
FIELD_KEYS = env.list("FIELD_KEYS")  # Fernet keys; the first encrypts, all decrypt
SHOPIFY_API_KEY = env.str("SHOPIFY_API_KEY")
SHOPIFY_API_SECRET = env.str("SHOPIFY_API_SECRET")
SHOPIFY_API_SECRET_OLD = env.str("SHOPIFY_API_SECRET_OLD", "")
SHOPIFY_API_VERSION = "2026-10"
SHOPIFY_APP_HANDLE = env.str("SHOPIFY_APP_HANDLE", "doorstep")

META_APP_ID = env.str("META_APP_ID", "")
META_APP_SECRET = env.str("META_APP_SECRET", "")
META_VERIFY_TOKEN = env.str("META_VERIFY_TOKEN", "")
# Embedded Signup: the id of that app's "Facebook Login for Business" configuration; empty: WhatsApp only by hand.
META_SIGNUP_CONFIG_ID = env.str("META_SIGNUP_CONFIG_ID", "")
FACEBOOK_SDK_URL = env.str("FACEBOOK_SDK_URL", "https://connect.facebook.net/en_US/sdk.js")
# Instagram Login has an app id and secret of its own in the same Meta app (App dashboard, Instagram, API setup).
INSTAGRAM_APP_ID = env.str("INSTAGRAM_APP_ID", "")
INSTAGRAM_APP_SECRET = env.str("INSTAGRAM_APP_SECRET", "")
META_GRAPH_VERSION = env.str("META_GRAPH_VERSION", "v25.0")

METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # Bearer token for /metrics from outside the private network

# Where the outside lives, so that any stand-in can be put there.
SHOPIFY_ADMIN_ORIGIN = env.str("SHOPIFY_ADMIN_ORIGIN", "https://{shop}")
SHOPIFY_CDN_ORIGIN = env.str("SHOPIFY_CDN_ORIGIN", "https://cdn.shopify.com")  # App Bridge and Polaris
META_GRAPH_ORIGIN = env.str("META_GRAPH_ORIGIN", "https://graph.facebook.com")
INSTAGRAM_GRAPH_ORIGIN = env.str("INSTAGRAM_GRAPH_ORIGIN", "https://graph.instagram.com")
TWILIO_API_ORIGIN = env.str("TWILIO_API_ORIGIN", "https://api.twilio.com")
TWILIO_MESSAGING_ORIGIN = env.str("TWILIO_MESSAGING_ORIGIN", "https://messaging.twilio.com")
TELEGRAM_API_ORIGIN = env.str("TELEGRAM_API_ORIGIN", "https://api.telegram.org")
# Where a shopper's tap leads. Only stand-ins change these.
WHATSAPP_LINK_ORIGIN = env.str("WHATSAPP_LINK_ORIGIN", "https://wa.me")
MESSENGER_LINK_ORIGIN = env.str("MESSENGER_LINK_ORIGIN", "https://m.me")
INSTAGRAM_LINK_ORIGIN = env.str("INSTAGRAM_LINK_ORIGIN", "https://ig.me")
TELEGRAM_LINK_ORIGIN = env.str("TELEGRAM_LINK_ORIGIN", "https://t.me")

# Where the web chat's page listens for news (post_purchase/web/public/chat_stream.py). Empty: it asks now and then.
CHAT_STREAM_URL = env.str("CHAT_STREAM_URL", "")

# The demo world: a stand-in for Shopify and the networks, never in production (a system check refuses).
DEMO = env.bool("DEMO", False)
DEMO_WORLD_URL = env.str("DEMO_WORLD_URL", "")
CLOCK_FILE = env.str("CLOCK_FILE", "")  # demo only: seconds to add to the machine's clock

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[APP_URL.split("://", 1)[-1].split("/")[0].split(":")[0]])
ROOT_URLCONF = "shopapp.urls"
WSGI_APPLICATION = "shopapp.wsgi.application"
FRONT_DOORS = ["post_purchase.web.public.links.front_door"]  # asked before Django's handler (shopapp/wsgi.py)
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "django_rq",
    "anymail",
    "shopapp",
    "post_purchase",
]

# No sessions, no CSRF cookie: inside Shopify's iframe a cookie cannot be relied on. Writes need a Bearer token.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shopapp.web.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shopapp.web.logs.RequestLogMiddleware",
    "django.middleware.common.CommonMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # take the one write lock at BEGIN, so that no transaction fails half-way
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
    }
else:
    # Django's own cursors never prepare. The hot statements (webhook INSERT, tap SELECT) ask for it; Django's default,
    # None, would refuse them. A pooler in transaction mode must know prepared statements (PgBouncer 1.21 does).
    # What the URL says (?sslmode=require) stands.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "prepare_threshold": 5,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

RQ_QUEUES = {
    # hot: messages, webhooks, flow timers. default: backfill, exports, clean-up. slow: print runs.
    "hot": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 120},
    "default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 900},
    "slow": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 900},
}
RQ = {"COMMIT_MODE": "auto"}  # shopapp.lib.queue waits for the commit itself

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Doorstep <no-reply@localhost>")
# The server whose Authentication-Results are believed; empty: what the mail provider itself says (channels email)
INBOUND_AUTHSERV_ID = env.str("INBOUND_AUTHSERV_ID", "")
INBOUND_EMAIL_DOMAIN = env.str("INBOUND_EMAIL_DOMAIN", "")  # replies go to reply+<code>@ this domain
ANYMAIL_WEBHOOK_SECRET = env.str("ANYMAIL_WEBHOOK_SECRET", "")  # "user:password" that the ESP sends to /webhooks/email/
ANYMAIL = {"WEBHOOK_SECRET": ANYMAIL_WEBHOOK_SECRET} if ANYMAIL_WEBHOOK_SECRET else {}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
if DEMO:
    STATICFILES_DIRS.append(BASE_DIR / "demo" / "static")
# Photos, logos, print files. Private: only signed addresses lead there.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "var" / "media")))
MEDIA_BUCKET = env.str("MEDIA_BUCKET", "")  # then a bucket holds them; its keys: AWS_ACCESS_KEY_ID and the like
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "private": {"BACKEND": "shopapp.lib.stored_files.PrivateFolder"},
}
if MEDIA_BUCKET:
    STORAGES["private"] = {
        "BACKEND": "shopapp.lib.bucket.PrivateBucket",
        "OPTIONS": {
            "bucket_name": MEDIA_BUCKET,
            "endpoint_url": env.str("MEDIA_ENDPOINT", "") or None,  # another service than AWS
            "region_name": env.str("MEDIA_REGION", "") or None,
            "location": env.str("MEDIA_PREFIX", ""),  # a folder in a bucket that others use too
        },
    }
SPOOL_DIR = Path(env.str("SPOOL_DIR", str(BASE_DIR / "var" / "spool")))  # scans on their way to the database
SPOOL_KEEPER = env.bool("SPOOL_KEEPER", True)  # a web process takes in what no worker beside it reads

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"  # Meta's sign-up window answers to its opener
SECURE_SSL_REDIRECT = False  # the proxy in front does this; health checks come over plain HTTP
SECURE_HSTS_SECONDS = 0 if APP_URL.startswith("http://") else 31536000
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # X-Frame-Options: embedded pages are framed by Shopify; frame-ancestors is set per shop
    "security.W003",  # CSRF middleware: there is no cookie to ride on, writes need a Bearer token
    "security.W005",
    "security.W021",  # HSTS for subdomains and preload is the domain owner's choice
    "security.W008",  # TLS redirect is the proxy's work
]
if DEMO:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W009"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"private": {"()": "shopapp.web.logs.PrivateDataFilter"}},
    "formatters": {"json": {"()": "shopapp.web.logs.JsonFormatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "json", "filters": ["private"]}
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "rq.worker": {"level": env.str("RQ_LOG_LEVEL", "WARNING")},
    },
}
