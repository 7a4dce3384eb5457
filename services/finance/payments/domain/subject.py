"""What is paid for."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import NamedTuple


class SubjectKind(StrEnum):
    """What can be paid for. Each kind comes with the code that follows it, and is in the check of `payment_intents`."""

    ORDER = "order"


class Subject(NamedTuple):
    """One thing that is paid for; it has one intent."""

    kind: SubjectKind
    id: uuid.UUID


def order(order_id: uuid.UUID) -> Subject:
    """Return an order as what is paid for."""
    return Subject(SubjectKind.ORDER, order_id)
