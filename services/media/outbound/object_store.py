"""Google Cloud Storage, or a local server that speaks its API: the only module that knows the SDK."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions as google
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.oauth2 import service_account
from requests.exceptions import RequestException

from meshkit.errors import DependencyUnavailable
from services.media.files.domain.content import HEAD_BYTES
from services.media.files.domain.kinds import is_picture
from services.media.outbound.ports import StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from pathlib import Path

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)


class _StandAlone(service_account.Credentials):  # type: ignore[misc]
    """Those of a local store: the library would ask Google where the account may be used."""

    def _is_regional_access_boundary_lookup_required(self) -> bool:
        return False


@dataclass
class ObjectStore:
    """One bucket. URLs are signed by the key file's account, and so are the tokens that we ask with."""

    signing_key_file: Path
    storage_url: str
    bucket: str
    upload_lifetime: timedelta
    read_lifetime: timedelta
    timeout_s: float

    def __post_init__(self) -> None:
        self._account = json.loads(self.signing_key_file.read_text())
        kind = _StandAlone if self.storage_url else service_account.Credentials
        self._signing = kind.from_service_account_info(self._account, scopes=_SCOPES, always_use_jwt_access=True)

    def upload_url(self, key: str, *, headers: Mapping[str, str]) -> str:
        """Return a URL to PUT to with exactly those headers, for `upload_lifetime`."""
        return self._signed(key, method="PUT", expiration=self.upload_lifetime, headers=dict(headers))

    def read_url(self, key: str, *, generation: int | None, mime_type: str) -> str:
        """Return a URL to GET a file's bytes from, for `read_lifetime`: those that were looked at, never later ones.

        Nothing but a picture is shown in the store's own address.
        """
        extra: dict[str, Any] = {}
        if generation is not None:
            extra["generation"] = generation
        if not is_picture(mime_type):
            extra["response_disposition"] = "attachment"
        return self._signed(key, method="GET", expiration=self.read_lifetime, **extra)

    def find(self, key: str) -> StoredObject | None:
        """Return an object, or None. Raises DependencyUnavailable."""
        stored: StoredObject | None = self._asked(lambda: self._find(key))
        return stored

    def remove(self, key: str) -> None:
        """Delete an object; one that is not there is fine. Raises DependencyUnavailable."""
        self._asked(lambda: self._remove(key))

    def ensure_bucket(self) -> None:
        """Create the bucket unless it exists. Raises DependencyUnavailable."""
        self._asked(self._create_bucket)

    def private_bucket(self) -> storage.Bucket:
        """Return the bucket as it must be made: nothing in it can be made public, by whatever permission."""
        bucket = self._client.bucket(self.bucket)
        bucket.iam_configuration.uniform_bucket_level_access_enabled = True
        bucket.iam_configuration.public_access_prevention = "enforced"
        return bucket

    def _find(self, key: str) -> StoredObject | None:
        blob = self._bucket.get_blob(key, timeout=self.timeout_s, retry=None)
        if blob is None:
            return None
        head = b""
        if blob.size:  # no range fits nothing
            try:
                # The blob names its generation: never the beginning of other contents.
                head = self._bucket.blob(key, generation=blob.generation).download_as_bytes(
                    end=HEAD_BYTES - 1, raw_download=True, timeout=self.timeout_s, retry=None
                )
            except google.NotFound:
                return None
        return StoredObject(int(blob.size), blob.content_type or "", int(blob.generation), head)

    def _remove(self, key: str) -> None:
        try:
            self._bucket.blob(key).delete(timeout=self.timeout_s, retry=None)
        except google.NotFound:
            return

    def _create_bucket(self) -> None:
        if self._bucket.exists(timeout=self.timeout_s, retry=None):
            return
        try:
            self._client.create_bucket(self.private_bucket(), timeout=self.timeout_s, retry=None)
        except google.Conflict:
            # Another process was faster.
            return

    def _signed(self, key: str, **what: Any) -> str:
        url: str = self._bucket.blob(key).generate_signed_url(
            version="v4", credentials=self._signing, api_access_endpoint=self.storage_url, **what
        )
        return url

    @cached_property
    def _client(self) -> storage.Client:
        return storage.Client(
            project=self._account["project_id"],
            credentials=self._signing,
            client_options={"api_endpoint": self.storage_url},
        )

    @cached_property
    def _bucket(self) -> storage.Bucket:
        return self._client.bucket(self.bucket)

    @staticmethod
    def _asked(question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (google.GoogleAPICallError, GoogleAuthError, RequestException) as error:
            raise DependencyUnavailable("The object store does not answer.", dependency="object_store") from error
