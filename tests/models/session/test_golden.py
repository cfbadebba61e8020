"""GRU4Rec against recorded runs of its authors' code: first the reference of this folder, then the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.interactions import Interactions
from turret.training.procedures import Gradient

Arrays = dict[str, np.ndarray]
Load = Callable[..., Arrays]
NAMES = {"E.weight": "inputs", "GE.Wx0.weight": "inputs", "GE.Wrz0": "0.weight_rz", "GE.Wh0": "0.weight_h", "GE.Bh0": "0.bias"}
NAMES |= {"Wy.weight": "items", "By.weight": "biases"}
"""The recorded names of parameters, but for those of standard layers."""
NEAR = {"loss": 2e-6, "weight": 2e-5, "total": 2e-5, "velocity": 5e-6}
MODES = ["none", "separate", "constrained"]
LOSSES: dict[str, dict[str, float]] = {"xe_logq0": {"logq": 0.0}, "xe_logq1": {"logq": 1.0}}
LOSSES |= {f"bprmax_elu{a:g}_bpreg{r:g}": {"elu": a, "bpreg": r} for a in (0.0, 0.5) for r in (0.0, 1.95)}
TRAINERS = ["reference", "library"]

pytestmark = pytest.mark.real_data


def parameters_of(arrays: Arrays, part: str) -> Arrays:
    return {
        NAMES.get(key := name.removeprefix(part), key.removeprefix("G.")): array for name, array in arrays.items() if name.startswith(part)
    }


def train(tools: Any, trainer: str, setting: Any, start: Arrays, log: Interactions, negatives: Any, **more: Any) -> Any:
    if trainer == "library":
        return tools.trained(setting, start, log, negatives, **more)
    epoch = list(tools.mini_batches(tools.in_order(log), setting.batch_size, setting.least))
    return tools.Reference(setting, start, log.item_counts).train([epoch, epoch], negatives, **more)


def assert_same(tools: Any, trace: Any, recorded: Arrays) -> None:
    """Losses, accumulators, velocities and weights; scores and states where they were recorded."""
    theirs = tools.Trace(loss=recorded["loss"].tolist())
    theirs.parameters, theirs.totals, theirs.velocities = (parameters_of(recorded, part) for part in ("final/", "acc/", "mom/"))
    apart = trace.apart(theirs)
    assert all(apart[name] < near for name, near in NEAR.items()), apart
    for step in (0, 1):
        np.testing.assert_allclose(trace.scores[step], recorded[f"scores{step}"], atol=5e-6)
    for layer, state in enumerate(trace.states[0]):
        np.testing.assert_allclose(state, recorded[f"H0_after_step0_layer{layer}"], atol=2e-6)
    for layer, state in enumerate(trace.states[-1]):
        np.testing.assert_allclose(state, recorded[f"H_after_last_step_layer{layer}"], atol=5e-6)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("momentum", [0.0, 0.3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("mode", MODES)
def test_training(golden: Load, toy: Interactions, tools: Any, mode: str, loss: str, momentum: float, trainer: str) -> None:
    setting = tools.Setting(mode=mode, momentum=momentum, **LOSSES[loss])
    start = parameters_of(golden(f"train_{mode}"), "init/")
    trace = train(tools, trainer, setting, start, toy, golden("iterator")["negatives"])
    assert_same(tools, trace, golden(f"train_{mode}", f"{loss}_mom{momentum:g}"))


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("loss", [{"logq": 1.0}, {"elu": 0.5, "bpreg": 1.95}], ids=["xe_logq1", "bprmax"])
@pytest.mark.parametrize("mode", MODES)
def test_in_batch_negatives_alone(golden: Load, toy: Interactions, tools: Any, mode: str, loss: dict[str, float], trainer: str) -> None:
    recorded = golden("extra", f"nsample0_{'xe_logq1' if 'logq' in loss else 'bprmax'}_{mode}")
    setting = tools.Setting(mode=mode, momentum=0.3, n_sample=0, **loss)
    assert_same(tools, train(tools, trainer, setting, parameters_of(recorded, "init/"), toy, None), recorded)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("mode", ["separate", "constrained"])
def test_two_layers(golden: Load, toy: Interactions, tools: Any, mode: str, trainer: str) -> None:
    recorded = golden("extra", f"twolayer_{mode}")
    setting = tools.Setting(mode=mode, layers=(6, 6), momentum=0.3, logq=1.0)
    assert_same(tools, train(tools, trainer, setting, parameters_of(recorded, "init/"), toy, recorded["negatives"]), recorded)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("mode", MODES)
def test_dropout_where_the_recorded_masks_acted(golden: Load, toy: Interactions, tools: Any, mode: str, trainer: str) -> None:
    recorded = golden("extra", f"dropout_{mode}")
    masks = {name: recorded[key] for name, key in (("embed", "mask_embed_p0.5"), ("hidden", "mask_hidden_p0.25")) if key in recorded}
    setting = tools.Setting(mode=mode, momentum=0.3, logq=1.0, p_embed=0.5, p_hidden=0.25)
    start = parameters_of(recorded, "init/")
    assert_same(tools, train(tools, trainer, setting, start, toy, golden("iterator")["negatives"], masks=masks), recorded)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("loss", ["xe_logq1", "bprmax_elu0_bpreg1.95", "bprmax_elu0.5_bpreg1.95"])
def test_saturated_scores(golden: Load, toy: Interactions, tools: Any, loss: str, trainer: str) -> None:
    """Rounding grows from step to step, so the first half is compared; all of the rest must be finite.

    In single precision tanh reaches 1, where its derivative is 0; in double it does not, and Adagrad makes small gradients large.
    """
    recorded = golden("extra", f"saturated_{loss}")
    trace = train(tools, trainer, tools.Setting(**LOSSES[loss]), parameters_of(recorded, "init/"), toy, golden("iterator")["negatives"])
    np.testing.assert_allclose(trace.loss[:16], recorded["loss"][:16], rtol=2e-4 if trainer == "library" else 2e-2)
    assert np.isfinite(trace.loss).all() and len(trace.loss) == 32
    np.testing.assert_allclose(trace.scores[0], recorded["scores0"], rtol=1e-5, atol=1e-4)


# --- the whole way, with nothing replaced but the draws


@pytest.mark.parametrize("mode", MODES)
def test_initial_values_are_theirs_to_the_last_bit(golden: Load, toy: Interactions, tools: Any, mode: str) -> None:
    setting = tools.Setting(mode=mode)
    begun = tools.initial(setting, toy)
    recorded = parameters_of(golden(f"train_{mode}"), "init/")
    assert {name: value.numpy().tobytes() for name, value in begun.items()} == {name: value.tobytes() for name, value in recorded.items()}


@pytest.mark.parametrize("mode", ["separate", "constrained"])
def test_initial_values_of_two_layers(golden: Load, toy: Interactions, tools: Any, mode: str) -> None:
    begun = tools.initial(tools.Setting(mode=mode, layers=(6, 6)), toy)
    for name, value in parameters_of(golden("extra", f"twolayer_{mode}"), "init/").items():
        assert np.array_equal(begun[name].numpy(), value), name


def test_the_procedure_trains_the_same(golden: Load, toy: Interactions, tools: Any) -> None:
    """Epochs, optimizers and reported losses of the procedure that a user's run takes."""
    setting = tools.Setting(momentum=0.3, logq=1.0)
    config, prepared = tools.config_of(setting), tools.prepared_of(toy)
    model, procedure = tools.build(config, prepared), tools.recipe(config, prepared)
    assert isinstance(procedure, Gradient)
    procedure.objective.sampler = tools.Recorded(golden("iterator")["negatives"])  # type: ignore[attr-defined]
    recorded = golden("train_constrained", "xe_logq1_mom0.3")
    reported = [progress.measures["loss"] for progress in procedure.fit(model, 1, torch.device("cpu"))]
    assert reported == pytest.approx(recorded["loss"].reshape(2, 16).mean(axis=1).tolist(), abs=2e-6)
    for name, value in parameters_of(recorded, "final/").items():
        np.testing.assert_allclose(tools.parameters(model)[name].numpy(), value, atol=2e-5)


@pytest.mark.parametrize(
    ("part", "more", "near"),
    [
        ("xe", {"layers": (100,), "batch_size": 32, "learning_rate": 0.1, "alpha": 0.75, "logq": 1.0}, 2e-4),
        (
            "bpr",
            {"layers": (224,), "batch_size": 80, "learning_rate": 0.05, "momentum": 0.4, "alpha": 0.4, "bpreg": 1.95, "elu": 0.5},
            1e-5,
        ),
    ],
)
def test_sixty_mini_batches_of_real_sessions(
    golden: Load, rsc15: Interactions, tools: Any, part: str, more: dict[str, Any], near: float
) -> None:
    recorded, setting = golden("real", part), tools.Setting(n_sample=2048, **more)
    start = tools.initial(setting, rsc15)
    trace = tools.trained(setting, start, rsc15, recorded["negatives"], limit=60)
    np.testing.assert_allclose(trace.loss, recorded["loss"], atol=near)
    for number, name in enumerate(["0.weight_ih", "0.weight_hh", "0.bias_ih", "0.bias_hh", "items", "biases"]):
        value, total = trace.parameters[name], trace.totals[name]
        sums = value.sum(), np.abs(value).sum(), total.sum()
        expected = recorded[f"after60/param{number}_sum_abs_sum_acc"]
        scale = np.array([expected[1], expected[1], expected[2]])  # the plain sum is a small difference of large ones
        assert (np.abs(np.array(sums) - expected) < 1e-4 * scale).all(), (name, sums, expected)
