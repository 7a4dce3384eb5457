"""fulfillment: delivery agents, assignments, pickup, delivery and cash custody."""
