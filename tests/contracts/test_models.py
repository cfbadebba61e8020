"""What every model promises, asked of every model of the catalogue on one tiny dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from turret.batches.history import Histories
from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.core.context import Behaviours, Context, History, Impressions, Reads
from turret.core.contracts import Catalogue, Procedure, Ranker, Retriever, Solver, Step
from turret.core.interactions import Interactions
from turret.core.seeds import derive, torch_generator
from turret.data.beside import Social, Triples
from turret.data.columns import Numbers, Tokens, TokenSets
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue
from turret.models.ranking.score_all import RankerCatalogue
from turret.training.procedures import Gradient

N_USERS, N_ITEMS = 8, 6
CPU = torch.device("cpu")
TRAIN = [(0, 1), (0, 2), (0, 1), (0, 4), (1, 0), (1, 2), (2, 3), (2, 4), (2, 5), (3, 0), (3, 1), (3, 2), (3, 3)]
TRAIN += [(4, 5), (4, 4), (5, 2), (5, 0), (6, 5), (6, 3), (6, 4), (7, 1), (7, 0)]
VALID = [(0, N_ITEMS), (1, 1), (5, 1)]
"""User 0 meets an item that training never saw."""
TEST = [(0, 5), (2, 0), (N_USERS, 3)]
"""So does the last user, who is new as well."""


def read_only(values: Any, dtype: Any) -> np.ndarray:
    """As a memory map would be: whoever writes to it fails."""
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


def part(pairs: list[tuple[int, int]], n_users: int, n_items: int) -> Part:
    user, item = zip(*pairs, strict=True)
    label = read_only([(u + i) % 2 for u, i in pairs], np.float32)
    bought = read_only([(u + i) % 2 * (i % 3 > 0) for u, i in pairs], np.float32)
    return Part(
        Interactions(
            read_only(user, np.int32),
            read_only(item, np.int32),
            n_users,
            n_items,
            time=read_only(range(len(pairs)), np.float64),
            rating=read_only([1 + (u * i) % 5 for u, i in pairs], np.float32),
            label=label,
        ),
        labels={"click": label, "purchase": bought},
    )


def vocabulary(prefix: str, n: int) -> Vocabulary:
    return Vocabulary.of(f"{prefix}{index}" for index in range(n))


def triples(rows: list[tuple[int, int, int]], n_items: int, others: int) -> Triples:
    head, relation, tail = (read_only(column, np.int32) for column in zip(*sorted(rows), strict=True))
    return Triples(head, relation, tail, n_items, vocabulary("e", others), vocabulary("r", int(relation.max()) + 1))


def social(links: list[tuple[int, int]]) -> Social:
    return Social(*(read_only(column, np.int32) for column in zip(*sorted(links), strict=True)))


@pytest.fixture(scope="module")
def tiny() -> Prepared:
    """Eight users, six items, a repeated pair, features with holes, graphs; one more user and item that only later parts know."""
    users = Entities(
        vocabulary("u", N_USERS + 1),
        {
            "age": Numbers(read_only([20, np.nan, 31, 45, 18, 60, 33, 27, 50], np.float32)),
            "gender": Tokens(read_only([1, 2, 0, 1, 2, 1, 1, 2, 2], np.int32), vocabulary("g", 2)),
        },
    )
    genres = TokenSets(read_only([0, 2, 3, 3, 5, 6, 7, 8], np.int64), read_only([1, 2, 3, 1, 3, 2, 1, 2], np.int32), vocabulary("c", 3))
    parts = {
        "train": part(TRAIN, N_USERS, N_ITEMS),
        "valid": part(VALID, N_USERS + 1, N_ITEMS + 1),
        "test": part(TEST, N_USERS + 1, N_ITEMS + 1),
    }
    items = Entities(vocabulary("i", N_ITEMS + 1), {"genre": genres})
    about = [(0, 0, 6), (0, 1, 8), (1, 0, 6), (2, 0, 7), (2, 1, 8), (3, 0, 7), (4, 0, 6), (6, 1, 9)]  # nothing of item 5
    friends = [(0, 1), (0, 3), (1, 0), (2, 6), (3, 0), (4, 6), (6, 2), (6, 4)]  # nobody of users 5 and 7
    graphs = {"triples": triples(about, N_ITEMS, 4), "social": social(friends)}
    return Prepared("tiny", N_USERS, N_ITEMS, users, items, parts, time_ordered=True, **graphs)


@pytest.fixture(scope="module")
def ten() -> Prepared:
    """Ten interactions: users 0, 1, 2 go from item 0 to item 1, users 3 and 4 from item 2 to item 3."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 2), (3, 3), (4, 2), (4, 3)]
    graphs = {"triples": triples([(0, 0, 4), (1, 0, 4), (2, 0, 5), (3, 0, 5)], 4, 2), "social": social([(0, 1), (1, 2), (3, 4)])}
    return Prepared("ten", 5, 4, Entities(vocabulary("u", 5)), Entities(vocabulary("i", 4)), {"train": part(pairs, 5, 4)}, **graphs)


@dataclass(frozen=True)
class Subject:
    """A model under examination: its file, and how it is built, trained and asked."""

    file: ModuleType

    def config(self, **training: Any) -> Any:
        """The defaults, with other settings of training where there is any."""
        default = self.file.Config()
        return default.model_copy(update={"training": default.training.model_copy(update=training)}) if self.descends else default

    @property
    def descends(self) -> bool:
        return "training" in self.file.Config.model_fields

    def build(self, prepared: Prepared, seed: int = 1, config: Any = None) -> Any:
        torch.manual_seed(derive(seed, "build"))
        return self.file.build(config or self.config(), prepared)

    def trained(self, prepared: Prepared, seed: int = 1, rounds: int = 2, config: Any = None) -> Any:
        config = config or self.config(epochs=rounds, batch_size=8)
        model = self.build(prepared, seed, config)
        procedure: Procedure = self.file.recipe(config, prepared)
        for _ in islice(procedure.fit(model, seed, CPU), rounds):
            pass
        return model.eval()

    def gradient(self, prepared: Prepared) -> Gradient:
        procedure = self.file.recipe(self.config(batch_size=8), prepared)
        if not isinstance(procedure, Gradient):
            pytest.skip("does not descend one objective alone")
        return procedure


@pytest.fixture(params=list(catalogue.MODELS))
def subject(request: pytest.FixtureRequest) -> Subject:
    return Subject(catalogue.load(request.param))


def reads_of(model: Any) -> Reads:
    return Reads(user=True, history=model.reads.history) if isinstance(model, Ranker) else model.reads


@torch.inference_mode()
def scores(model: Any, context: Context, prepared: Prepared) -> Tensor:
    """[B, I], from whichever contract the model keeps."""
    if isinstance(model, Retriever):
        encoded = model.encode()
        return model.scorer.all(model.query(context, encoded).vector, encoded.items.dense())
    if isinstance(model, Ranker):
        return RankerCatalogue(model, ImpressionBuilder(prepared), prepared.n_items).score_all(context)
    assert isinstance(model, Catalogue)
    return model.score_all(context)


def contexts(model: Any, prepared: Prepared, users: Any, interactions: Interactions | None = None) -> Context:
    histories = Histories(interactions or prepared.train, reads_of(model), prepared.n_users, prepared.n_items)
    return histories.context(torch.as_tensor(users))


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a batch."""
    if isinstance(value, Tensor):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from tensors(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from tensors(each)


def test_keeps_a_contract(subject: Subject, tiny: Prepared) -> None:
    model = subject.build(tiny)
    assert isinstance(model, nn.Module)
    assert isinstance(model, Retriever) + isinstance(model, Catalogue) + isinstance(model, Ranker) == 1
    assert isinstance(model, Solver) != subject.descends
    assert isinstance(subject.file.recipe(subject.config(), tiny), Procedure)


def test_what_is_solved_for_is_in_buffers_of_fixed_shape(subject: Subject, tiny: Prepared) -> None:
    if subject.descends:
        pytest.skip("is descended to")
    before = {name: (value.shape, value.dtype) for name, value in subject.build(tiny).state_dict().items()}
    solved = subject.trained(tiny)
    assert before
    assert {name: (value.shape, value.dtype) for name, value in solved.state_dict().items()} == before
    assert not list(solved.parameters())


def test_gradient_reaches_every_parameter(subject: Subject, tiny: Prepared) -> None:
    procedure, model = subject.gradient(tiny), subject.build(tiny)
    generator = torch_generator(1, "gradient")
    for batch in procedure.batches.epoch(generator):
        procedure.objective(model, batch, Step(1000, generator)).backward()
    unreached = [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert unreached == []


@pytest.mark.parametrize("learner", ["adam", "sparse_adam", "rowwise_adagrad"])
def test_trains_with_dense_and_with_sparse_updates(subject: Subject, tiny: Prepared, learner: str) -> None:
    subject.gradient(tiny)
    config = subject.config(learner=learner, epochs=3, batch_size=8)
    model = subject.build(tiny, config=config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = [progress.measures["loss"] for progress in subject.file.recipe(config, tiny).fit(model, 1, CPU)]
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    assert all(not torch.equal(before[name], parameter) for name, parameter in model.named_parameters())


def test_encodes_at_most_once_a_step(subject: Subject, tiny: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    procedure, model = subject.gradient(tiny), subject.build(tiny)
    if not isinstance(model, Retriever):
        pytest.skip("has no two sides to encode")
    calls, encode = [], model.encode
    monkeypatch.setattr(model, "encode", lambda: calls.append(1) or encode())
    generator = torch_generator(1, "encode")
    for steps, batch in enumerate(procedure.batches.epoch(generator), 1):
        procedure.objective(model, batch, Step(0, generator))
        assert len(calls) == steps


def test_batches_are_not_changed(subject: Subject, tiny: Prepared) -> None:
    procedure, model = subject.gradient(tiny), subject.build(tiny)
    generator = torch_generator(1, "changed")
    for batch in procedure.batches.epoch(generator):
        held = list(tensors(batch))
        versions, values = [each._version for each in held], [each.clone() for each in held]
        procedure.objective(model, batch, Step(0, generator)).backward()
        assert [each._version for each in held] == versions
        assert all(torch.equal(each, value) for each, value in zip(held, values, strict=True))


def test_an_epoch_has_as_many_batches_as_it_says(subject: Subject, tiny: Prepared) -> None:
    batches = subject.gradient(tiny).batches
    assert len(list(batches.epoch(torch_generator(1, "count")))) == batches.steps()


def test_scores_are_finite_and_a_row_depends_on_its_request_alone(subject: Subject, tiny: Prepared) -> None:
    """B = I, where a mix-up of the two axes would go unnoticed by its shape, against B = 1."""
    model = subject.trained(tiny)
    users = [5, 0, 7, 2, 3, 1]
    assert len(users) == tiny.n_items
    together = scores(model, contexts(model, tiny, users), tiny)
    assert together.shape == (len(users), tiny.n_items)
    assert together.isfinite().all()
    for row, user in zip(together, users, strict=True):
        alone = scores(model, contexts(model, tiny, [user]), tiny)
        assert alone.shape == (1, tiny.n_items)
        torch.testing.assert_close(alone[0], row, atol=1e-5, rtol=1e-4)


def test_scoring_changes_neither_the_request_nor_the_model(subject: Subject, tiny: Prepared) -> None:
    model = subject.trained(tiny)
    context = contexts(model, tiny, range(tiny.n_users))
    held, state = list(tensors(context)), {name: value.clone() for name, value in model.state_dict().items()}
    values = [each.clone() for each in held]
    first = scores(model, context, tiny)
    assert torch.equal(scores(model, context, tiny), first)
    assert all(torch.equal(each, value) for each, value in zip(held, values, strict=True))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_reads_what_it_declares_and_nothing_else(subject: Subject, tiny: Prepared) -> None:
    """Each part of a request changes some score if it is declared, and none if it is not."""
    model = subject.trained(tiny)
    reads = reads_of(model)
    everything = Histories(tiny.train, Reads(user=True, history=50), tiny.n_users, tiny.n_items).context(torch.arange(tiny.n_users))
    assert everything.users is not None and everything.history is not None
    others = Context(everything.users.flip(0), everything.history)
    first = scores(model, everything, tiny)
    assert torch.equal(scores(model, others, tiny), first) != reads.user
    reversed_history = History(everything.history.items.flip(0), everything.history.mask.flip(0))
    assert torch.equal(scores(model, Context(everything.users, reversed_history), tiny), first) != (reads.history > 0)


@pytest.mark.parametrize("filling", [0, 3])
def test_padding_changes_nothing(subject: Subject, tiny: Prepared, filling: int) -> None:
    model = subject.trained(tiny)
    if isinstance(model, Ranker):
        with torch.inference_mode():
            for impressions in ImpressionBatches(tiny, 8, reads=model.reads).in_order():
                sets = {name: (F.pad(ids, (0, 3), value=filling), F.pad(mask, (0, 3))) for name, (ids, mask) in impressions.sets.items()}
                assert sets
                before = impressions.behaviours
                if before is not None:
                    tokens = F.pad(before.tokens.where(before.mask.unsqueeze(-1), filling), (0, 0, 0, 3), value=filling)
                    before = Behaviours(tokens, F.pad(before.mask, (0, 3)))
                padded = Impressions(impressions.tokens, impressions.floats, sets, impressions.labels, before)
                torch.testing.assert_close(model(padded), model(impressions), atol=1e-5, rtol=1e-4)
        return
    context = contexts(model, tiny, range(tiny.n_users))
    if context.history is None:
        pytest.skip("reads no history")
    items, mask = context.history.items, context.history.mask
    wider = History(F.pad(items.where(mask, filling), (0, 3), value=filling), F.pad(mask, (0, 3)))
    padded = scores(model, Context(context.users, wider), tiny)
    torch.testing.assert_close(padded, scores(model, context, tiny), atol=1e-5, rtol=1e-4)


def test_items_unknown_to_training_are_passed_over(subject: Subject, tiny: Prepared) -> None:
    """User 0 has one such item in the validation part, the new user has nothing else."""
    model = subject.trained(tiny)
    users = list(range(tiny.n_users)) if reads_of(model).user else list(range(tiny.n_users + 1))
    known = dataclasses.replace(tiny.train, n_users=tiny.n_users + 1)
    pairs = sorted([*TRAIN, (0, N_ITEMS), (N_USERS, N_ITEMS)], key=lambda pair: pair[0])
    with_unknown = part(pairs, tiny.n_users + 1, tiny.n_items + 1).interactions
    answers = scores(model, contexts(model, tiny, users, with_unknown), tiny)
    assert answers.isfinite().all()
    torch.testing.assert_close(answers, scores(model, contexts(model, tiny, users, known), tiny))


def test_saves_and_loads_without_pickle(subject: Subject, tiny: Prepared) -> None:
    model = subject.trained(tiny)
    saved = safetensors.torch.save({name: value.contiguous() for name, value in model.state_dict().items()})
    loaded = subject.build(tiny, seed=2).eval()
    context = contexts(model, tiny, range(tiny.n_users))
    loaded.load_state_dict(safetensors.torch.load(saved))
    assert torch.equal(scores(loaded, context, tiny), scores(model, context, tiny))


def test_same_seed_same_result(subject: Subject, tiny: Prepared) -> None:
    one, same = subject.trained(tiny, seed=1), subject.trained(tiny, seed=1)
    context = contexts(one, tiny, range(tiny.n_users))
    assert torch.equal(scores(one, context, tiny), scores(same, context, tiny))
    if subject.descends:
        assert not torch.equal(scores(one, context, tiny), scores(subject.trained(tiny, seed=2), context, tiny))


class InterruptionError(Exception):
    """A training was stopped."""


def test_an_interrupted_training_ends_as_one_that_was_not(subject: Subject, tiny: Prepared) -> None:
    """Stopped twice between two steps, and once between two rounds."""
    if not subject.descends:
        pytest.skip("what a solver goes on from is in its buffers")
    config = subject.config(epochs=4, batch_size=8)

    def begun() -> tuple[Any, Procedure]:
        return subject.build(tiny, config=config), subject.file.recipe(config, tiny)

    def stopped(model: Any, procedure: Procedure, after: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What a checkpoint holds after so many steps."""
        steps = iter(range(1, after + 1))

        def between() -> None:
            if next(steps) == after:
                raise InterruptionError

        with pytest.raises(InterruptionError):
            for _ in procedure.fit(model, 1, CPU, between):
                pass
        return held(model, procedure)

    def held(model: Any, procedure: Procedure) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        model_state, state = ({name: value.clone() for name, value in each.items()} for each in (model.state_dict(), procedure.state()))
        return model_state, state

    def again(kept: tuple[dict[str, Tensor], dict[str, Tensor]]) -> tuple[Any, Procedure]:
        model, procedure = begun()
        model.load_state_dict(kept[0])
        procedure.restore(kept[1])
        return model, procedure

    whole, procedure = begun()
    calls: list[None] = []
    expected = [progress.measures for progress in procedure.fit(whole, 1, CPU, lambda: calls.append(None))]
    first, procedure = begun()
    kept = stopped(first, procedure, 1 + len(calls) // 3)
    kept = stopped(*again(kept), 1 + len(calls) // 5)
    second, procedure = again(kept)
    ends = list(islice(procedure.fit(second, 1, CPU), 1))
    third, procedure = again(held(second, procedure))
    ends += procedure.fit(third, 1, CPU)
    assert [progress.measures for progress in ends] == expected[-len(ends) :]
    assert all(torch.equal(value, third.state_dict()[name]) for name, value in whole.state_dict().items())


def test_overfits_ten_interactions(subject: Subject, ten: Prepared) -> None:
    """Who went from item 0 is sent to 1, who went from 2 to 3; a ranker says of each which label it had, which the item decides."""
    if isinstance(subject.build(ten), Ranker):
        log = ten.interactions("train")
        labels = {"click": (log.item % 2).astype(np.float32), "purchase": (log.item == 3).astype(np.float32)}
        ten = dataclasses.replace(ten, parts={"train": Part(dataclasses.replace(log, label=labels["click"]), labels=labels)})
    model = subject.trained(ten, rounds=300, config=subject.config(epochs=300, learning_rate=0.003, batch_size=16))
    if isinstance(model, Ranker):
        with torch.inference_mode():
            for impressions in ImpressionBatches(ten, 100, reads=model.reads).in_order():
                assert torch.equal(model(impressions) > 0, impressions.labels[:, : len(model.tasks)] > 0.5)
        return
    reads = reads_of(model)
    first = dataclasses.replace(ten.train, user=ten.train.user[::2], item=ten.train.item[::2], time=None, rating=None, label=None)
    answers = scores(model, contexts(model, ten, range(5), first), ten)
    if not reads.user and not reads.history:
        counts = torch.from_numpy(ten.train.item_counts)
        assert all(torch.equal(row.argsort(stable=True), counts.argsort(stable=True)) for row in answers)
        return
    new = answers.scatter(1, torch.tensor(first.item, dtype=torch.int64)[:, None], -torch.inf)
    assert new.argmax(dim=1).tolist() == [1, 1, 1, 3, 3]


def described(config: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    for name, info in config.model_fields.items():
        yield f"{config.__name__}.{name}", info.description
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from described(info.annotation)


def test_config_is_typed_frozen_and_explained(subject: Subject) -> None:
    config = subject.file.Config()
    assert subject.file.Config.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError, match="no_such_setting"):
        subject.file.Config(no_such_setting=1)
    assert [name for name, prose in described(subject.file.Config) if not prose] == []
    for name in subject.file.Config.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, name, None)


def test_file_cites_its_source_and_says_where_it_deviates(subject: Subject) -> None:
    prose = subject.file.__doc__ or ""
    assert "Deviation" in prose
    assert any(str(year) in prose for year in range(1990, 2030)), "no year of a paper"
