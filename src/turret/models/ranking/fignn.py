"""Fi-GNN: the fields are the nodes of a graph, and interactions are what they tell each other along its edges.

    h_i^1 = relu([sum over k of alpha_ik^h W_V^h e_k, h = 1 .. H]),    alpha_ik^h = softmax over k of <W_Q^h e_i, W_K^h e_k> / sqrt(d_K)
    A_ij = softmax over j != i of leaky_relu(w_e [e_i, e_j]),    A_ii = 0
    a_i^t = sum over j of A_ji W_in^i W_out^j h_j^(t-1) + b_p
    h_i^t = GRU(h_i^(t-1), a_i^t) + h_i^1
    y = sum over i of MLP_2(h_i^T) MLP_1(h_i^T)

Z. Li, Z. Cui, S. Wu, X. Zhang, L. Wang. "Fi-GNN: Modeling Feature Interactions via Graph Neural Networks for CTR Prediction." CIKM 2019,
arXiv:1910.05552 (the embedding and self-attention layers, the feature graph and its propagation, and attentional scoring).

Deviations: the cell is torch's form of the GRU, whose reset gate acts after the matrix. MLP_1 and MLP_2 are a linear layer each, without a
bias in MLP_1. The slope of leaky_relu is torch's 0.01. Where the paper is silent, the nodes' matrices begin Xavier-normal, linear layers as
torch's do, and vectors normal.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.errors import UnsupportedError
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.field_attention import FieldAttention
from turret.nn.fields import FieldVectors
from turret.nn.gru import GRUCell
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """Fi-GNN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    attention_heads: int = Field(default=2, ge=1)
    """Subspaces in which fields look at each other before they become nodes."""
    attention_dim: int = Field(default=8, ge=1)
    """Width of each head of attention; a node's state is the heads side by side."""
    graph_steps: int = Field(default=3, ge=1)
    """How often all nodes are updated from their neighbours."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=1024)
    """How it is trained."""


class Edges(nn.Module):
    """How much each field means to each other one.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.source, self.target = nn.Linear(width, 1, bias=False), nn.Linear(width, 1, bias=False)  # the halves of w_e

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> A [B, F, F], whose rows sum to 1 and whose diagonal is 0."""
        scores = F.leaky_relu(self.source(fields) + self.target(fields).transpose(1, 2))
        itself = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
        return torch.softmax(scores.masked_fill(itself, -torch.inf), dim=2)


class FiGNN(nn.Module):
    """Attention, the graph, and a score of each node.

    Args:
        schema: the features, two or more.
        embed_dim: D.
        attention_heads, attention_dim: of the attention that gives the nodes' first states, of width D'.
        graph_steps: T - 1, updates of the nodes.
        init_std: of the vectors.

    Raises:
        UnsupportedError: there are no two fields.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, attention_heads: int, attention_dim: int, graph_steps: int, init_std: float) -> None:
        super().__init__()
        if schema.fields < 2:
            raise UnsupportedError(f"Fi-GNN is a graph of two fields or more; this dataset has {schema.fields}")
        self.tasks, self.steps = schema.tasks[:1], graph_steps
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.attention = FieldAttention(embed_dim, attention_dim, attention_heads, scaled=True)
        self.edges = Edges(embed_dim)
        width = self.attention.out
        self.incoming, self.outgoing = (nn.Parameter(torch.empty(schema.fields, width, width)) for _ in range(2))
        for matrices in (self.incoming, self.outgoing):
            nn.init.normal_(matrices, std=1 / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.gru = GRUCell(width, width)
        self.score, self.weight = nn.Linear(width, 1, bias=False), nn.Linear(width, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        incoming_edges = self.edges(vectors).transpose(1, 2)
        first = state = torch.relu(self.attention(vectors))
        for _ in range(self.steps):
            told = incoming_edges @ torch.einsum("bfd,fed->bfe", state, self.outgoing)
            heard = torch.einsum("bfd,fed->bfe", told, self.incoming) + self.bias
            state = self.gru(heard.flatten(0, 1), state.flatten(0, 1)).view_as(first) + first
        logits: Tensor = (self.weight(state) * self.score(state)).sum(dim=1)
        return logits


def build(config: Config, prepared: Prepared) -> FiGNN:
    """A Fi-GNN for the features of the dataset."""
    return FiGNN(schema_of(prepared), config.embed_dim, config.attention_heads, config.attention_dim, config.graph_steps, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
