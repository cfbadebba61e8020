"""Towers against a network that is run for every row, written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.batches.features import Features, Sets
from turret.batches.sides import Side
from turret.core.features import Categorical, Schema, Tags
from turret.nn import towers
from turret.nn.towers import Tower

TOKENS = [[1, 2], [2, 0], [3, 1], [4, 2], [5, 1]]
FLOATS = [[0.5], [-1.0], [0.0], [2.0], [0.3]]
TAGS = [[1, 3], [], [2], [3, 2, 1], [1]]
SCHEMA = Schema((Categorical("item", 6), Categorical("item.kind", 3)), (Tags("item.tags", 4, length=2),), ("item.price",))


def side() -> Side:
    """Five items with a feature of each kind; of tags the first two count."""
    offsets = torch.tensor([0, *np.cumsum([len(tags) for tags in TAGS])])
    ids = torch.tensor([tag for tags in TAGS for tag in tags], dtype=torch.int32)
    return Side(SCHEMA, Features(torch.tensor(TOKENS, dtype=torch.int32), torch.tensor(FLOATS), {"item.tags": Sets(offsets, ids)}))


def tower(dropout: float = 0.0) -> Tower:
    torch.manual_seed(0)
    made = Tower(side(), 4, (7, 5), dropout, std=0.7).double().eval()
    nn.init.normal_(made.described.vectors.table.weight)
    return made


def by_hand(made: Tower) -> np.ndarray:
    """Row by row: [5, 4]."""
    table = made.described.vectors.table.weight.detach().numpy()
    item, kind, tags, price = np.split(table, np.cumsum([6, 3, 4]))
    rows = []
    for (own, of), (number,), members in zip(TOKENS, FLOATS, TAGS, strict=True):
        pooled = np.mean([tags[tag] for tag in members[:2]], axis=0) if members else np.zeros(4)
        x = np.concatenate([item[own], kind[of], pooled, np.float32(number) * price[0]])
        for layer in [layer for layer in made.mlp.modules() if isinstance(layer, nn.Linear)]:
            x = np.maximum(layer.weight.detach().numpy() @ x + layer.bias.detach().numpy(), 0)
        rows.append(made.project.weight.detach().numpy() @ x + made.project.bias.detach().numpy())
    return np.array(rows)


def counted(made: Tower) -> list[list[int]]:
    """The ids of each time that the network runs from now on."""
    ran: list[list[int]] = []
    made.described.register_forward_pre_hook(lambda _, given: ran.append(given[0].tolist()))
    return ran


def test_every_vector_is_the_network_of_its_own_row() -> None:
    made = tower()
    np.testing.assert_allclose(made.dense().detach().numpy(), by_hand(made), rtol=1e-12)


@pytest.mark.parametrize("ids", [[], [3], [2, 2, 2], [[4, 0], [0, 1]], [[[1], [3]], [[1], [0]]], 4])
def test_what_is_asked_for_is_what_it_is_among_all(ids: list[int] | int) -> None:
    made, asked = tower(), torch.tensor(ids, dtype=torch.int64)
    torch.testing.assert_close(made[asked], made.dense()[asked])
    assert made.free(asked).shape == (*asked.shape, made.described.out)
    torch.testing.assert_close(made.free(asked), made.described(torch.arange(5))[asked])


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_are_those_of_running_it_for_every_id(sparse: bool) -> None:
    made, ids = tower(), torch.tensor([[1, 3, 1], [1, 0, 3]])
    weights = torch.randn(*ids.shape, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def gradients(vectors: Callable[[], Tensor]) -> dict[str, Tensor]:
        made.zero_grad(set_to_none=True)
        (vectors() * weights).sum().backward()
        return {name: parameter.grad.to_dense() for name, parameter in made.named_parameters()}

    eager = gradients(lambda: made.dense()[ids])
    made.described.vectors.table.sparse = sparse
    lazy = gradients(lambda: made[ids])
    assert lazy.keys() == eager.keys()
    for name, gradient in lazy.items():
        torch.testing.assert_close(gradient, eager[name])


def test_the_network_runs_once_for_each_id_that_is_asked_for() -> None:
    made = tower()
    ran = counted(made)
    made[torch.tensor([[3, 1], [3, 3]])]
    assert ran == [[1, 3]]


def test_all_are_computed_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tower()
    whole = made.dense()
    monkeypatch.setattr(towers, "BLOCK", 2)
    ran = counted(made)
    torch.testing.assert_close(made.dense(), whole)
    assert ran == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("strange", [-1, 5])
def test_an_id_that_there_is_not_is_an_error(strange: int) -> None:
    with pytest.raises((IndexError, RuntimeError)):
        tower()[torch.tensor([0, strange])]


def test_what_is_known_goes_with_the_model_but_is_not_saved_with_it() -> None:
    made = tower()
    assert {name.rpartition(".")[2] for name in made.state_dict()} == {"weight", "bias"}
    there = made.to("meta")
    assert {buffer.device.type for buffer in there.buffers()} == {"meta"}


def test_dropout_is_drawn_once_for_an_id() -> None:
    made, ids = tower(dropout=0.5).train(), torch.arange(5)
    once, again = made[torch.stack([ids, ids])]
    assert torch.equal(once, again)
    assert not torch.equal(once, made[ids])
