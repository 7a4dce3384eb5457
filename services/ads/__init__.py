"""ads: campaigns, creatives and serving."""
