"""The private files in a bucket: at AWS, or at any service that speaks S3 (MEDIA_ENDPOINT). Settings choose it."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

IN_MEMORY = 2_000_000  # bytes of a file that is read; the rest goes to the disk


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "?")
        raise OSError(errno.EIO, f"the bucket refused it ({code})") from error
    except BotoCoreError as error:
        raise OSError(errno.EIO, f"the bucket did not answer ({type(error).__name__})") from error


class PrivateBucket(S3Storage):  # type: ignore[misc]  # without types
    """Objects are the bucket's own matter: no ACL is set, so a bucket that is closed to the world stays so."""

    def __init__(self, **options: Any) -> None:
        away = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"max_attempts": 2},
            signature_version="s3v4",
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},  # few others know bucket hosts
        )
        super().__init__(
            **options,
            default_acl=None,
            file_overwrite=True,
            max_memory_size=IN_MEMORY,
            client_config=away,
            transfer_config=TransferConfig(use_threads=False),
        )

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        with _as_os_error():
            return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _as_os_error():
            file = super()._open(name, mode)  # FileNotFoundError where there is none
            file.file.seek(0)  # fetched now: a trouble comes out here, not in the middle of an answer
            return file

    def size(self, name: str) -> int:
        with _as_os_error():
            return int(super().size(name))

    def delete(self, name: str) -> None:
        with _as_os_error():
            super().delete(name)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Kept on the disk until it is whole: a bucket has no half files, and takes large ones in parts."""
        with tempfile.TemporaryFile() as out:
            yield cast("BinaryIO", out)
            out.seek(0)
            self.save(name, File(out, name))

    def delete_folder(self, name: str) -> None:
        with _as_os_error():
            self.bucket.objects.filter(Prefix=self._normalize_name(clean_name(f"{name}/"))).delete()
