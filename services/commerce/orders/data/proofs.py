"""SQL that finds rows which contradict each other."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshkit.db.tx import Tx

_WITH_LINES = """
    SELECT o.id, o.status, o.hold_reason, o.subtotal_cents, o.discount_cents, o.tax_cents, o.transport_fee_cents,
           o.total_cents, o.promo_cents, coalesce(l.subtotal, 0) AS line_subtotal, coalesce(l.discount, 0) AS line_discount,
           coalesce(l.total, 0) AS line_total, coalesce(l.alive, 0) AS alive, coalesce(l.accepted, 0) AS accepted
    FROM vendor_orders o LEFT JOIN (
        SELECT order_id, sum(line_subtotal_cents) FILTER (WHERE status <> 'rejected') AS subtotal,
               sum(discount_cents) FILTER (WHERE status <> 'rejected') AS discount,
               sum(total_cents) FILTER (WHERE status <> 'rejected') AS total,
               count(*) FILTER (WHERE status <> 'rejected') AS alive,
               count(*) FILTER (WHERE status IN ('accepted', 'fulfilled')) AS accepted
        FROM order_line_items GROUP BY order_id
    ) l ON l.order_id = o.id
"""
# What is wrong -> query for the ids that show it.
_PROOFS = {
    "order totals are not those of its surviving lines less the promo plus the transport fee": f"""
        WITH o AS ({_WITH_LINES}) SELECT id FROM o
        WHERE status <> 'expired' AND (subtotal_cents <> line_subtotal OR discount_cents <> line_discount + least(promo_cents, line_total)
            OR total_cents <> line_total - least(promo_cents, line_total) + tax_cents + transport_fee_cents
            OR (alive = 0 AND transport_fee_cents <> 0))
    """,  # noqa: S608
    "balance due is not what is still to be paid": """
        SELECT o.id FROM vendor_orders o LEFT JOIN order_settlements s ON s.order_id = o.id
        WHERE o.balance_due_cents <> CASE
            WHEN o.status IN ('rejected', 'canceled', 'expired') OR o.payment_status IN ('settled', 'paid') THEN 0
            ELSE o.total_cents - coalesce(s.credited_cents, 0) END
    """,
    "more is said to have gone back than the order costs": """
        SELECT o.id FROM order_settlements s JOIN vendor_orders o ON o.id = s.order_id
        WHERE s.refunded_cents > o.total_cents
    """,
    "an order that is paid although the payout came back, or is not although it did not": """
        SELECT o.id FROM vendor_orders o JOIN order_settlements s ON s.order_id = o.id
        WHERE CASE o.payment_status WHEN 'paid' THEN s.payout_returned_at IS NOT NULL
                   ELSE s.vendor_paid_at IS NOT NULL AND s.payout_returned_at IS NULL END
    """,
    "more than one order of a checkout at one vendor": """
        SELECT checkout_group_id FROM vendor_orders GROUP BY checkout_group_id, vendor_store_id HAVING count(*) > 1
    """,
    "a converted cart without orders": """
        SELECT id FROM cart_records c WHERE status = 'converted' AND NOT EXISTS
            (SELECT 1 FROM vendor_orders o WHERE o.cart_id = c.id AND o.checkout_group_id = c.checkout_group_id)
    """,
    "an order without its converted cart": """
        SELECT o.id FROM vendor_orders o LEFT JOIN cart_records c
            ON c.id = o.cart_id AND c.checkout_group_id = o.checkout_group_id AND c.status = 'converted'
        WHERE c.id IS NULL AND NOT EXISTS (SELECT FROM order_retries r WHERE r.checkout_group_id = o.checkout_group_id)
    """,
    "a retried order that is not of the same cart and parties as the expired one": """
        SELECT o.id FROM order_retries r JOIN vendor_orders e ON e.id = r.order_id
        JOIN vendor_orders o ON o.checkout_group_id = r.checkout_group_id
        WHERE e.status <> 'expired' OR e.cart_id <> o.cart_id
            OR e.buyer_store_id <> o.buyer_store_id OR e.vendor_store_id <> o.vendor_store_id
    """,
    "a finished retry without its order, or the reverse": """
        SELECT r.order_id FROM order_retries r LEFT JOIN vendor_orders o ON o.checkout_group_id = r.checkout_group_id
        WHERE (r.state = 'converted') <> (o.id IS NOT NULL)
    """,
    "a converted cart without a finished attempt, or the reverse": """
        SELECT coalesce(c.id, a.cart_id) FROM (SELECT id, checkout_group_id FROM cart_records WHERE status = 'converted') c
        FULL JOIN (SELECT cart_id, checkout_group_id FROM checkout_attempts WHERE state = 'converted') a
            ON a.cart_id = c.id AND a.checkout_group_id = c.checkout_group_id
        WHERE c.id IS NULL OR a.cart_id IS NULL
    """,
    "an accepted or later order without an accepted line": f"""
        WITH o AS ({_WITH_LINES}) SELECT id FROM o WHERE accepted = 0
            AND (status NOT IN ('created_pending', 'rejected', 'canceled', 'expired', 'hold')
                OR hold_reason = 'awaiting_pickup')
    """,  # noqa: S608
    "an order that was called off although its goods had left": """
        SELECT id FROM vendor_orders WHERE status IN ('rejected', 'canceled', 'expired')
            AND (delivered_at IS NOT NULL OR shipping_status IN ('in_transit', 'delivered'))
    """,
    "a step of the delivery that is not where the order is": """
        SELECT o.id FROM vendor_orders o LEFT JOIN order_delivery_steps d ON d.order_id = o.id
        WHERE (o.status = 'in_transit' AND o.shipping_status <> 'in_transit')
            OR (o.status IN ('delivered', 'closed') AND (o.shipping_status <> 'delivered' OR o.delivered_at IS NULL))
            OR (d.picked_up_by IS NOT NULL AND o.shipping_status NOT IN ('in_transit', 'delivered'))
            OR (d.delivered_by IS NOT NULL AND (o.delivered_at IS NULL OR o.shipping_status <> 'delivered'))
    """,
    "a rejected order with a line that is not": f"""
        WITH o AS ({_WITH_LINES}) SELECT id FROM o WHERE status = 'rejected' AND alive > 0
    """,  # noqa: S608
    "an expired order with a line that is alive": f"""
        WITH o AS ({_WITH_LINES}) SELECT id FROM o WHERE status = 'expired' AND alive > 0
    """,  # noqa: S608
    "an expired order that shows another price than the lines it lost": """
        SELECT o.id FROM vendor_orders o LEFT JOIN LATERAL (
            SELECT coalesce(sum(line_subtotal_cents), 0) AS subtotal, coalesce(sum(total_cents), 0) AS total
            FROM order_line_items l WHERE l.order_id = o.id AND l.expired_at IS NOT NULL
        ) l ON true
        WHERE o.status = 'expired' AND (o.subtotal_cents <> l.subtotal
            OR o.total_cents <> l.total - least(o.promo_cents, l.total) + o.tax_cents + o.transport_fee_cents)
    """,
}


_STATEMENTS = {sentence: sql(query, uuid.UUID) for sentence, query in _PROOFS.items()}


def violations(tx: Tx) -> Iterator[tuple[str, str]]:
    """Yield each violated sentence with the id it is about."""
    for sentence, statement in _STATEMENTS.items():
        for subject in tx.execute(statement):
            yield sentence, str(subject)
