"""analytics: the market's numbers, ingested from events into the warehouse exactly once."""
