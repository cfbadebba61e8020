"""Models of a knowledge graph by RecBole, with its own settings, at the rate and batches of all.

What is given to it: KGAT's first attention, which it makes with functions that DGL no longer has; the two functions of torch_scatter that
KGIN calls, by torch's own; and scores of all items at once for CFKG, KTUP and MKR, in place of one call for each pair.
"""

import sys
from types import ModuleType

import numpy as np
import scipy.sparse as sp
import torch
from looks import Looks
from recbole.model.knowledge_aware_recommender.cfkg import CFKG
from recbole.model.knowledge_aware_recommender.kgat import KGAT
from recbole.model.knowledge_aware_recommender.ktup import KTUP
from recbole.model.knowledge_aware_recommender.mkr import MKR
from stand import Stand
from torch import Tensor

from data import Recbole

NAMES = {
    "cke": "CKE",
    "cfkg": "CFKG",
    "ktup": "KTUP",
    "kgat": "KGAT",
    "kgin": "KGIN",
    "mkr": "MKR",
    "ripplenet": "RippleNet",
    "kgcn": "KGCN",
    "kgnnls": "KGNNLS",
}
POINTWISE = ("mkr", "ripplenet")
"""Whose batches count false pairs too, one for each true one."""
ALTERNATING = ("ktup",)
"""Of which an epoch of choices and one of the graph, which take turns, are one here."""


def scatter_mean(src: Tensor, index: Tensor, dim: int, dim_size: int) -> Tensor:
    """The mean of the rows of each group, zeros where it has none."""
    sums = src.new_zeros(dim_size, src.shape[1]).index_add(0, index, src)
    return sums / torch.bincount(index, minlength=dim_size).clamp(min=1)[:, None]


def first_attention(self: KGAT) -> Tensor:
    """The sum over relations of each one's edges, a row's together 1."""
    nodes, total = self.n_users + self.n_entities, 0
    for relation in range(1, self.n_relations):
        rows = self.all_rs == relation
        ends = self.all_hs[rows].numpy(), self.all_ts[rows].numpy()
        edges = sp.coo_matrix((np.ones(len(ends[0])), ends), shape=(nodes, nodes)).tocsr()
        sums = np.asarray(edges.sum(1)).ravel()
        total = total + sp.diags(np.divide(1.0, sums, out=np.zeros(nodes), where=sums > 0)) @ edges
    total = total.tocoo()
    return torch.sparse_coo_tensor(np.stack([total.row, total.col]), total.data.astype(np.float32), (nodes, nodes))


def scores_of_cfkg(self: CFKG, interaction: dict[str, Tensor]) -> Tensor:
    """<u + r, i>: [B, I]."""
    reached = self.user_embedding(interaction["user_id"]) + self.relation_embedding.weight[-1]
    return reached @ self.entity_embedding.weight[: self.n_items].T


def scores_of_ktup(self: KTUP, interaction: dict[str, Tensor]) -> Tensor:
    """Its own scores of every pair: [B, I]."""
    users = interaction["user_id"]
    items = torch.arange(self.n_items)
    pairs = {"user_id": users.repeat_interleave(self.n_items), "item_id": items.repeat(len(users))}
    return self.predict(pairs).view(len(users), self.n_items)


def scores_of_mkr(self: MKR, interaction: dict[str, Tensor]) -> Tensor:
    """The inner products of users after their layers and items after the units: [B, I]."""
    items = torch.arange(self.n_items)
    users = self.user_mlp(self.user_embeddings_lookup(interaction["user_id"]))
    return users @ self.cc_unit([self.item_embeddings_lookup(items), self.entity_embeddings_lookup(items)])[0].T


scatter = ModuleType("torch_scatter")
scatter.scatter_mean = scatter_mean
sys.modules["torch_scatter"] = scatter
KGAT.init_graph = first_attention
CFKG.full_sort_predict, KTUP.full_sort_predict, MKR.full_sort_predict = scores_of_cfkg, scores_of_ktup, scores_of_mkr

stand = Stand()
looks = Looks(stand)
name = NAMES[stand.words["model"]]
batch = 4096 if stand.words["model"] in POINTWISE else 2048
turns, steps = (2, {"train_rec_step": 1, "train_kg_step": 1}) if stand.words["model"] in ALTERNATING else (1, {})
side = Recbole(stand, name, train_batch_size=batch, learning_rate=stand.words["rate"], **steps)
if name == "KGAT":
    side.train._dataset.ckg_graph = lambda form, value_field, made=side.train._dataset.ckg_graph: (
        None if form == "dgl" else made(form, value_field)
    )
model = side.model()
trainer = side.trainer(model)


def lists(part: str) -> np.ndarray:
    """The lists of those who have something to find in a part."""
    asked = np.unique(stand.array(f"{part}_user"))
    return side.lists(model, asked, stand.seen(asked, ("train",) if part == "valid" else ("train", "valid")))


while True:
    with stand.measuring():
        for turn in range(turns):
            trainer._train_epoch(side.train, turns * len(stand.seconds) + turn)
    if looks.over(lists):
        break
looks.tell()
