"""Models of sessions, read item by item."""
