"""commerce: cart quotes, checkout, vendor orders and their states."""
