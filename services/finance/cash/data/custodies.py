"""SQL about who has the cash of intents, from the door to the station. Lock the intent before writing here."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.recordset import to_json
from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class CashCustody(NamedTuple):
    """Who took the cash of an intent, and the hand-in that it is in."""

    intent_id: uuid.UUID
    collected_by_user_id: uuid.UUID
    hand_in_id: uuid.UUID | None


class HeldCash(NamedTuple):
    """An order whose cash an agent carries and has not declared."""

    id: uuid.UUID
    order_id: uuid.UUID
    order_number: int
    amount_cents: int
    currency: str
    cash_collected_at: datetime


class OpenMismatch(NamedTuple):
    """An intent, and the open mismatch that keeps it from its payout."""

    intent_id: uuid.UUID
    mismatch_id: uuid.UUID


_ADD = sql("INSERT INTO cash_custodies (intent_id, collected_by_user_id, collected_at) VALUES (:intent, :agent, :now)")
_OF_MANY = sql("SELECT {columns} FROM cash_custodies WHERE intent_id = ANY(CAST(:ids AS uuid[]))", CashCustody)
_OPEN_MISMATCHES = sql(
    "SELECT {columns} FROM cash_custodies WHERE intent_id = ANY(CAST(:ids AS uuid[])) AND mismatch_id IS NOT NULL",
    OpenMismatch,
)
_SET_HAND_IN = sql("UPDATE cash_custodies SET hand_in_id = :hand_in WHERE intent_id = ANY(CAST(:ids AS uuid[]))")
_SET_MISMATCHES = sql(
    "UPDATE cash_custodies c SET mismatch_id = r.mismatch_id"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r (id uuid, mismatch_id uuid) WHERE c.intent_id = r.id"
)
_SET_COUNTED = sql("UPDATE cash_custodies SET counted_at = :now WHERE intent_id = ANY(CAST(:ids AS uuid[]))")
_HELD = sql(
    """
    SELECT i.id, i.subject_id AS order_id, i.subject_number AS order_number, i.amount_cents - i.credited_cents AS amount_cents,
           i.currency, c.collected_at AS cash_collected_at
    FROM cash_custodies c JOIN payment_intents i ON i.id = c.intent_id
    WHERE c.collected_by_user_id = :agent AND c.hand_in_id IS NULL
      AND (CAST(:at AS timestamptz) IS NULL
           OR (c.collected_at, c.intent_id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY c.collected_at, c.intent_id LIMIT :limit
    """,
    HeldCash,
)


def add(tx: Tx, intent_id: uuid.UUID, *, agent_id: uuid.UUID) -> None:
    """Record that an agent has collected an intent's cash."""
    tx.execute(_ADD, {"intent": intent_id, "agent": agent_id, "now": tx.now})


def of_many(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CashCustody]:
    """Return the custody of each of the intents whose cash was collected."""
    return {row.intent_id: row for row in tx.execute(_OF_MANY, {"ids": list(intent_ids)})}


def open_mismatches(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the open mismatch of each of the intents that has one."""
    return {row.intent_id: row.mismatch_id for row in tx.execute(_OPEN_MISMATCHES, {"ids": list(intent_ids)})}


def set_hand_in(tx: Tx, intent_ids: Sequence[uuid.UUID], *, hand_in_id: uuid.UUID) -> None:
    """Record in which hand-in the cash of intents was declared."""
    tx.execute(_SET_HAND_IN, {"ids": list(intent_ids), "hand_in": hand_in_id})


def set_mismatches(tx: Tx, mismatches: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Set the open mismatch of the cash of each intent; None once it is resolved."""
    rows = [{"id": intent_id, "mismatch_id": mismatch_id} for intent_id, mismatch_id in mismatches.items()]
    tx.execute(_SET_MISMATCHES, {"rows": to_json(rows)})


def set_counted(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> None:
    """Mark the cash of intents as counted at a station."""
    tx.execute(_SET_COUNTED, {"ids": list(intent_ids), "now": tx.now})


def page_of_held(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> list[HeldCash]:
    """Return orders whose cash an agent carries undeclared, longest carried first, one more than the page."""
    after = {"at": page.after.at if page.after else None, "id": page.after.id if page.after else None}
    return tx.execute(_HELD, {"agent": agent_user_id, "limit": page.fetch, **after}).all()


def held_cursor(held: HeldCash) -> Cursor:
    """Return the sort key of held cash."""
    return Cursor(held.cash_collected_at, held.id)
