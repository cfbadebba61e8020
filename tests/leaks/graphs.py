"""Graphs beside a random log, which name everybody that any part of it could: whether an item or a user counts is for training to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.data.beside import MemoryTable

from turret.data.config import KnowledgeGraph, SocialGraph
from turret.data.knowledge import triples
from turret.data.prepared import Prepared
from turret.data.report import Report
from turret.data.social import social
from turret.data.vocabulary import Vocabulary

ITEMS = [f"{strange}i{number}" for strange in ("", "z") for number in range(13)]
PEOPLE = [f"{kind}{number}" for kind in ("u", "s", "zu", "zs") for number in range(10)]


def with_graphs(prepared: Prepared) -> Prepared:
    """The dataset with a knowledge graph and links between its users, made as `prepare` makes them."""
    entities = [f"entity of {item}" for item in ITEMS]
    facts = MemoryTable(
        {
            "head": entities * 2,
            "relation": ["kind"] * len(ITEMS) + ["maker"] * len(ITEMS),
            "tail": [f"kind {n % 3}" for n in range(len(ITEMS))] + [f"maker {n % 5}" for n in range(len(ITEMS))],
        }
    )
    links = MemoryTable({"item": ITEMS, "entity": entities})
    friends = MemoryTable({"source": PEOPLE * 2, "target": PEOPLE[1:] + PEOPLE[:1] + PEOPLE[3:] + PEOPLE[:3]})
    known = _trained(prepared.items.vocabulary, prepared.n_items), _trained(prepared.users.vocabulary, prepared.n_users)
    return replace(
        prepared,
        triples=triples(facts, links, known[0], KnowledgeGraph(), Report()),
        social=social(friends, known[1], SocialGraph(), Report()),
    )


def _trained(vocabulary: Vocabulary, known: int) -> Vocabulary:
    return vocabulary.take(np.arange(known))
