"""Losses: pure functions of scores, one value a row; the objective weights and averages them."""
