"""finance: the one double-entry ledger, payment intents and payouts."""
