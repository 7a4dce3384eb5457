"""What is paid for, and what an entry of the ledger is about."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import NamedTuple


class SubjectKind(StrEnum):
    """What can be paid for. Each kind comes with the code that follows it, and is in the checks of intents and entries."""

    ORDER = "order"


class Subject(NamedTuple):
    """One thing that is paid for; it has one intent."""

    kind: SubjectKind
    id: uuid.UUID


def subject_of(kind: str | None, subject_id: uuid.UUID | None) -> Subject | None:
    """Return the subject that two columns name, or None where both are empty."""
    return Subject(SubjectKind(kind), subject_id) if kind is not None and subject_id is not None else None


def order(order_id: uuid.UUID) -> Subject:
    """Return an order as what is paid for."""
    return Subject(SubjectKind.ORDER, order_id)
