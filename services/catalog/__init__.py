"""catalog: products, their stock and its reservations, volume discounts and promo codes."""
