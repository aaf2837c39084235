from shopapp.settings import *  # noqa: F403

ROOT_URLCONF = "bench.reference"
MIDDLEWARE = []
WSGI_APPLICATION = None
