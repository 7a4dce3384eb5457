"""What a file can be attached to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid


class AttachmentEntity(StrEnum):
    """A kind of thing that uses files."""

    LICENSE = "license"
    AD = "ad"
    PRODUCT_GALLERY = "product_gallery"
    PRODUCT_COA = "product_coa"
    STORE_LOGO = "store_logo"
    STORE_BANNER = "store_banner"
    USER_AVATAR = "user_avatar"
    DELIVERY_PROOF = "delivery_proof"


# A file attached to one of these cannot be deleted (REQUIREMENTS A.3).
PROTECTED = frozenset({AttachmentEntity.LICENSE, AttachmentEntity.AD, AttachmentEntity.DELIVERY_PROOF})


@dataclass(frozen=True)
class Entity:
    """A thing that uses files of its store."""

    type: AttachmentEntity
    id: uuid.UUID
    store_id: uuid.UUID

    @property
    def is_protected(self) -> bool:
        """Whether its files cannot be deleted."""
        return self.type in PROTECTED
