"""Matrix factorisation: a vector for each user, one for each item, and a scorer between them."""

from __future__ import annotations

from torch import nn

from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.nn.tables import Biased, Table
from turret.scorers.both_biased import BothBiased


class TwoTables(nn.Module):
    """A retriever that knows users and items by their ids alone.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        scorer: between them.
        std: standard deviation of the tables' normal initialisation; None draws Xavier-normal.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, scorer: Scorer, std: float | None = None) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim, std)
        self.items = Table(n_items, embed_dim, std)
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """w_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


class TwoBiasedTables(nn.Module):
    """The same with a bias of each user and of each item, which begin as 0.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        std: standard deviation of the tables' normal initialisation; None draws Xavier-normal.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, std: float | None = None) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim, std)
        self.items = Table(n_items, embed_dim, std)
        self.user_biases = Table(n_users, 1, std=0.0)
        self.item_biases = Table(n_items, 1, std=0.0)
        self.scorer: Scorer = BothBiased()

    def encode(self) -> Encoded:
        """[w_u, b_u] and [h_i, b_i]."""
        return Encoded(items=Biased(self.items, self.item_biases), users=Biased(self.users, self.user_biases))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """[w_u, b_u]: [B, D + 1]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])
