"""What a file can be attached to."""

from __future__ import annotations

from enum import StrEnum


class AttachmentEntity(StrEnum):
    """A kind of thing that uses files."""

    LICENSE = "license"
    AD = "ad"
    PRODUCT_GALLERY = "product_gallery"
    PRODUCT_COA = "product_coa"
    STORE_LOGO = "store_logo"
    STORE_BANNER = "store_banner"
    USER_AVATAR = "user_avatar"


# A file attached to one of these cannot be deleted (REQUIREMENTS A.3).
PROTECTED = frozenset({AttachmentEntity.LICENSE, AttachmentEntity.AD})
