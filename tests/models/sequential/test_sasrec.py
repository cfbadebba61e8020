from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.api.job import compose, gather
from turret.batches.history import contexts_of
from turret.core.context import Context, History, Positives
from turret.core.contracts import Step
from turret.models.sequential.sasrec import Block, SASRec
from turret.scorers.dot import Dot
from turret.training.objectives.full_catalogue import FullCatalogue

N_ITEMS, LENGTH = 30, 8


def model_of(heads: int = 2, layers: int = 2, dropout: float = 0.5, seed: int = 0) -> SASRec:
    """A model in which no parameter has the value that hides its effect (a bias of 0, a gain of 1)."""
    torch.manual_seed(seed)
    model = SASRec(N_ITEMS, embed_dim=6, max_length=LENGTH, layers=layers, heads=heads, dropout=dropout, scorer=Dot()).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def every_step(histories: list[list[int]], width: int = 0) -> Context:
    """The context that asks after every real step, `width` columns wide at least."""
    width = max([width, 1, *(len(history) for history in histories)])
    items = torch.tensor([history + [0] * (width - len(history)) for history in histories])
    mask = torch.arange(width) < torch.tensor([len(history) for history in histories])[:, None]
    return Context(history=History(items, mask), asked=mask.flatten().nonzero().squeeze(1))


def vectors(model: SASRec, context: Context) -> Tensor:
    return model.query(context, model.encode()).vector


def as_published(model: SASRec, history: list[int]) -> Tensor:
    """The authors' network on one history as they lay it out, filled up on the left: [len(history), D].

    Written with torch's own multi-head attention, one sequence at a time, padding an explicit zero that is masked as a key and zeroed after
    each block.
    """
    width, pad = model.items.weight.shape[1], LENGTH - len(history)
    real = torch.arange(LENGTH) >= pad
    x = torch.zeros(LENGTH, width)
    x[pad:] = model.items.weight[history] * width**0.5 + model.positions.weight[pad:]
    hidden = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1) | ~real
    hidden.fill_diagonal_(False)
    for block in model.blocks:
        assert isinstance(block, Block)
        ours = block.attention
        attention = nn.MultiheadAttention(width, ours.heads, batch_first=True)
        state = {
            "in_proj_weight": torch.cat([ours.q.weight, ours.k.weight, ours.v.weight]),
            "in_proj_bias": torch.cat([ours.q.bias, torch.zeros(width), ours.v.bias]),
            "out_proj.weight": torch.eye(width),
            "out_proj.bias": torch.zeros(width),
        }
        attention.load_state_dict(state)
        z = block.attention_norm(x)
        x = z + attention(z[None], x[None], x[None], attn_mask=hidden)[0][0]
        z = block.feed_forward_norm(x)
        inner, outer = block.feed_forward.inner, block.feed_forward.outer
        x = z + F.relu(z @ inner.weight.T + inner.bias) @ outer.weight.T + outer.bias
        x = x * real[:, None]
    return F.layer_norm(x, (width,), model.norm.weight, model.norm.bias, eps=1e-8)[pad:]


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_equals_the_published_network_filled_up_on_the_left(heads: int) -> None:
    model = model_of(heads)
    histories = [[3], [4, 4, 9], [1, 2, 3, 4, 5, 6, 7, 8], [29, 0, 11, 12, 0]]
    expected = torch.cat([as_published(model, history) for history in histories])
    torch.testing.assert_close(vectors(model, every_step(histories)), expected)


def test_the_future_changes_nothing() -> None:
    model, history = model_of(), [5, 6, 7, 8, 9, 10]
    before = vectors(model, every_step([history]))
    for step in range(1, len(history)):
        after = vectors(model, every_step([history[:step] + [20] * (len(history) - step)]))
        torch.testing.assert_close(after[:step], before[:step])
        assert not torch.allclose(after[step:], before[step:])


def test_padding_and_company_change_nothing() -> None:
    model = model_of()
    alone = vectors(model, every_step([[3, 1, 4]]))
    wide = vectors(model, every_step([[3, 1, 4]], width=LENGTH + 5))
    together = vectors(model, every_step([[3, 1, 4], [1, 5, 9, 2, 6, 5, 3, 5], []]))
    torch.testing.assert_close(wide, alone)
    torch.testing.assert_close(together[:3], alone)


def test_what_stands_in_the_padding_is_never_read() -> None:
    model, context = model_of(), every_step([[3, 1, 4], [2]], width=6)
    assert context.history is not None
    items = context.history.items.masked_fill(~context.history.mask, 17)
    filled = Context(history=History(items, context.history.mask), asked=context.asked)
    assert torch.equal(vectors(model, filled), vectors(model, context))


def test_evaluation_asks_after_the_whole_history() -> None:
    model, histories = model_of(), [[3, 1, 4], [7], [2, 2, 8, 1]]
    last = vectors(model, contexts_of(histories, model.reads))
    ends = torch.tensor([2, 3, 7])
    torch.testing.assert_close(last, vectors(model, every_step(histories))[ends])
    assert last.shape == (3, 6)


def test_an_empty_history_has_an_answer_that_no_item_enters() -> None:
    model = model_of()
    empty = vectors(model, contexts_of([[]], model.reads))
    assert empty.shape == (1, 6) and empty.isfinite().all()
    context = Context(history=History(torch.full((1, 4), 9), torch.zeros(1, 4, dtype=torch.bool)))
    torch.testing.assert_close(vectors(model, context), empty)


def test_positions_are_counted_from_the_latest_item() -> None:
    """A longer history moves the early items to earlier positions, so that the latest always has the last one."""
    model = model_of(layers=1)
    with torch.no_grad():
        model.positions.weight[: LENGTH - 2] = torch.nan
    assert vectors(model, every_step([[3, 1]])).isfinite().all()
    assert vectors(model, every_step([[3, 1, 4]])).isnan().any()


def test_longer_histories_than_it_reads_are_an_error() -> None:
    with pytest.raises(IndexError):
        vectors(model_of(), every_step([list(range(LENGTH + 1))]))


def test_the_gradient_reaches_every_parameter() -> None:
    model = model_of().train()
    context = every_step([[1, 2, 3, 4, 5, 6, 7, 8], [9, 10]])
    FullCatalogue()(model, Positives(context, torch.arange(10, 20)), Step(0, torch.Generator())).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_learns_ten_interactions_by_heart() -> None:
    histories = [[0, 1, 2, 3, 4, 5], [5, 3, 1, 0]]
    context = every_step([history[:-1] for history in histories])
    target = torch.tensor([item for history in histories for item in history[1:]])
    torch.manual_seed(0)
    model = SASRec(6, embed_dim=16, max_length=LENGTH, layers=1, heads=1, dropout=0.0, scorer=Dot())
    optimizer, objective = torch.optim.Adam(model.parameters(), lr=0.03), FullCatalogue()
    for number in range(40):
        optimizer.zero_grad()
        loss = objective(model, Positives(context, target), Step(number, torch.Generator()))
        loss.backward()
        optimizer.step()
    encoded = model.eval().encode()
    scores = model.scorer.all(model.query(context, encoded).vector, encoded.items.dense())
    assert loss < 0.05 and torch.equal(scores.argmax(dim=1), target)


@pytest.mark.parametrize("name", ["sasrec-amazon-beauty", "sasrec-paper-amazon-beauty"])
def test_the_examples_can_be_read(name: str) -> None:
    job = compose(gather("sasrec", {}, Path(__file__).parents[3] / "examples" / f"{name}.yaml"))
    assert job.dataset == "amazon-beauty" and job.data.split.split_mode == "leave_one_out"
