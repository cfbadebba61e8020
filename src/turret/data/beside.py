"""What may lie beside a log: a knowledge graph about its items, and the links between its users.

Both know the users and items that training saw, and no others, so that nothing of a later part enters what a model learns from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from turret.core.interactions import FloatArray, IntArray, check_ids, check_numbers
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Triples:
    """A knowledge graph: (head, relation, tail), each triple once, sorted by head, relation and tail.

    An item's entity has the item's id: entities 0..n_items-1 are the items that training saw, whether the graph tells of them or not; the
    other entities follow in the order of their tokens. So the first rows of one table of `n_entities` vectors are the items'. An item that
    only later parts know is an entity like any other: the graph is what it would be without these parts, and a model may use all of it.

    Attributes:
        head, tail: int32 [n] entities.
        relation: int32 [n].
        n_items: how many items training saw.
        others: the tokens of the entities that are no items: entity e has `others.token(e - n_items)`.
        relations: the token of each relation. With `inverse`, the second half are the inverses of the first: that of r < R is r + R.
        inverse: whether each triple is there in both directions; see `with_inverses`.
    """

    head: IntArray
    relation: IntArray
    tail: IntArray
    n_items: int
    others: Vocabulary
    relations: Vocabulary
    inverse: bool = False

    def __len__(self) -> int:
        return len(self.head)

    @property
    def n_entities(self) -> int:
        """Items and others."""
        return self.n_items + len(self.others)

    @property
    def n_relations(self) -> int:
        """Inverses included, where they are there."""
        return len(self.relations)

    @cached_property
    def told_of(self) -> npt.NDArray[np.bool_]:
        """bool [n_items] the items that some triple tells of."""
        found = np.zeros(self.n_entities, dtype=bool)
        found[self.head] = found[self.tail] = True
        return found[: self.n_items]

    def with_inverses(self) -> Triples:
        """The graph with (tail, r's inverse, head) beside each (head, r, tail), the inverse of r being r + R; itself where it has them."""
        if self.inverse:
            return self
        head = np.concatenate([self.head, self.tail])
        relation = np.concatenate([self.relation, self.relation + np.int32(self.n_relations)])
        tail = np.concatenate([self.tail, self.head])
        order = np.lexsort((tail, relation, head))
        relations = Vocabulary.of([*self.relations, *(f"inverse of {token}" for token in self.relations)])
        return Triples(head[order], relation[order], tail[order], self.n_items, self.others, relations, inverse=True)

    def check(self, n_items: int) -> None:
        """Raises ValueError where ids and names do not fit together; see `Prepared.check`."""
        self.others.check("entities")
        self.relations.check("relations")
        if self.n_items != n_items:
            raise ValueError(f"the knowledge graph should count {n_items:,} items")
        for what, ids, n in (
            ("head", self.head, self.n_entities),
            ("tail", self.tail, self.n_entities),
            ("relation", self.relation, self.n_relations),
        ):
            check_ids(what, ids, n)
        if not len(self.head) == len(self.relation) == len(self.tail):
            raise ValueError("the knowledge graph's columns differ in length")
        if not isinstance(self.inverse, bool) or (self.inverse and not self._turned_round()):
            raise ValueError("each triple should be there with its inverse, or none")

    def _turned_round(self) -> bool:
        """Whether each triple is there in both directions."""
        half, odd = divmod(self.n_relations, 2)
        if odd:
            return False
        given = self.relation < half
        there = np.stack([self.head[given], self.relation[given], self.tail[given]])
        back = np.stack([self.tail[~given], self.relation[~given] - half, self.head[~given]])
        return np.array_equal(there[:, np.lexsort(there[::-1])], back[:, np.lexsort(back[::-1])])


@dataclass(frozen=True)
class Social:
    """The links between the users that training saw, each once and sorted: source[k] follows, trusts or befriends target[k].

    Links of users that only later parts know are not among them: the graph is what it would be without these parts.

    Attributes:
        source, target: int32 [n] users. Of links that are mutual, both directions are there.
        weight: float32 [n], above 0, or None where the links have none.
    """

    source: IntArray
    target: IntArray
    weight: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.source)

    def both_ways(self) -> Social:
        """The graph with the opposite of each link beside it, of the same weight; where it is there already, it keeps its own."""
        ends = np.concatenate([self.source, self.target]), np.concatenate([self.target, self.source])
        rows = first_of_each(*ends)
        return Social(ends[0][rows], ends[1][rows], None if self.weight is None else np.tile(self.weight, 2)[rows])

    def check(self, n_users: int) -> None:
        """Raises ValueError where ids and columns do not fit together; see `Prepared.check`."""
        check_ids("source", self.source, n_users)
        check_ids("target", self.target, n_users)
        if len(self.source) != len(self.target):
            raise ValueError("the social graph's columns differ in length")
        if self.weight is not None:
            check_numbers("weight", self.weight, len(self.source))


def first_of_each(*columns: IntArray) -> IntArray:
    """int64 [m] the first row of each different combination of the columns [n], in the order of these combinations."""
    order = np.lexsort(columns[::-1])  # stable, so that of equal rows the first comes first
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
    return order[new]
