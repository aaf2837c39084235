"""A bucket for tests: moto's server speaks S3 over real HTTP. It does not check who asks."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import httpx
from django.conf import settings
from django.test import override_settings
from moto.server import ThreadedMotoServer

from tests.environment import free_port

BUCKET = "doorstep-private"


@cache
def _address() -> str:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@contextmanager
def stored_in(address: str, monkeypatch: Any) -> Iterator[None]:
    """The app keeps its private files in the bucket at this address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    options = {"bucket_name": BUCKET, "endpoint_url": address, "region_name": "us-east-1", "location": "shop"}
    place = {"BACKEND": "shopapp.lib.bucket.PrivateBucket", "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "private": place}):
        yield


@contextmanager
def bucket(monkeypatch: Any) -> Iterator[Any]:
    """An empty one, and its client."""
    httpx.post(f"{_address()}/moto-api/reset").raise_for_status()
    with stored_in(_address(), monkeypatch):
        client = boto3.client("s3", endpoint_url=_address(), region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def names(client: Any) -> list[str]:
    return sorted(each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", []))


@contextmanager
def no_bucket(monkeypatch: Any) -> Iterator[None]:
    """Nobody answers there."""
    with stored_in(f"http://127.0.0.1:{free_port()}", monkeypatch):
        yield
