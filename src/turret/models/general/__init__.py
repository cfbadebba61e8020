"""Models of who took what, whatever the order."""
