"""Negative samplers: each returns items and the log of the probability with which it drew them."""
