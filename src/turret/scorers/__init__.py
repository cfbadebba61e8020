"""Inner product, cosine and the other ways to score a query against items."""
