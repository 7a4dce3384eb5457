"""Create a promo code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from meshkit.db.engine import constraint_of
from meshkit.ids import new_id
from services.catalog.errors import PromoTaken
from services.catalog.products.domain.product import CURRENCY
from services.catalog.promos.data import promos
from services.catalog.promos.domain.promo import new_promo_code

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.catalog.promos.data.promos import Promo


def create_promo(tx: Tx, *, code: str, amount_cents: int) -> Promo:
    """Insert an active promo of the caller's store; returns it. Raises PromoTaken, ValidationError."""
    code = new_promo_code(code)
    try:
        promo = promos.add(
            tx,
            new_id(),
            store_id=tx.principal.require_store,
            code=code,
            amount_cents=amount_cents,
            currency=CURRENCY,
        )
    except IntegrityError as error:
        if constraint_of(error) == "promos_store_id_code_key":
            raise PromoTaken(field="code") from None
        raise
    tx.audit(target=promo.id, after={"code": code, "amount_cents": amount_cents})
    return promo
