import copy

import pytest
import torch

import tiny
from secateur.criteria import Magnitude, Random, Taylor
from secateur.families import find_groups
from secateur.methods.scores import RunningScores, unit_scores

CTC = {name: make for name, make in tiny.MODELS.items() if name not in ("rnnt", "tdt")}


@pytest.mark.parametrize(("make", "granularity"), tiny.pairs(tiny.STRUCTURED, CTC))
def test_a_first_order_score_is_the_squared_gradient_of_a_gate_on_the_unit(make, granularity: str) -> None:
    model = tiny.randomise(make(), 3)
    groups = find_groups(model, [granularity], exclude=["*pos_conv_embed*"])
    gates = {group.name: tiny.put_gate(model, group) for group in groups}
    model(**tiny.labelled_for(model)).loss.backward()
    scores = unit_scores(model, groups, Taylor())
    for group in groups:
        torch.testing.assert_close(scores[group.name], gates[group.name].grad.square(), rtol=1e-9, atol=1e-12)
        assert scores[group.name].gt(0).any()  # a unit behind a ReLU may be silent


def test_what_no_forward_calls_has_a_first_order_score_of_zero() -> None:
    model = tiny.randomise(tiny.wav2vec2_conformer(), 0)
    groups = find_groups(model, ["module"], include=["*pos_conv_embed*"])
    model(**tiny.labelled_for(model)).loss.backward()
    assert [float(score) for score in unit_scores(model, groups, Taylor()).values()] == [0.0]


@pytest.mark.parametrize("granularity", tiny.STRUCTURED)
def test_a_magnitude_is_the_energy_of_all_tensors_that_leave(granularity: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, [granularity])
    scores = unit_scores(model, groups, Magnitude())
    parameters = dict(model.named_parameters())
    for group in groups:
        names = {where.tensor for where in group.slices if where.tensor in parameters}
        energy = sum(float(parameters[name].detach().square().sum()) for name in names)
        assert float(scores[group.name].sum()) == pytest.approx(energy)


def test_weights_without_a_gradient_score_zero() -> None:
    model = tiny.ctc()
    scores = unit_scores(model, find_groups(model, ["head"]), Taylor())
    assert all(score.tolist() == [0.0] * tiny.HEADS for score in scores.values())


def test_scores_hang_on_no_graph() -> None:
    model = tiny.Plain()
    assert not any(
        score.requires_grad for score in unit_scores(model, find_groups(model, ["element"]), Random()).values()
    )


@pytest.mark.parametrize(("decay", "count"), [(0.9, 5), (0.9, 10), (1.0, 30), (0.0, 3)])
def test_the_first_batches_are_averaged_evenly(decay: float, count: int) -> None:
    running = RunningScores(decay)
    batches = [torch.tensor([float(n), float(n * n)], dtype=torch.float64) for n in range(count)]
    for batch in batches:
        running.add({"a": batch})
    even = torch.stack(batches).mean(0)
    wanted = batches[-1] if decay == 0.0 else even
    assert running.count == count
    torch.testing.assert_close(running.scores["a"], wanted)


def test_later_batches_fade_out_by_the_decay() -> None:
    running, naive = RunningScores(0.5), 0.0
    for n in range(1, 8):
        running.add({"a": torch.tensor([float(n)], dtype=torch.float64)})
        beta = min(0.5, 1 - 1 / n)
        naive = beta * naive + (1 - beta) * n
    assert running.scores["a"].item() == pytest.approx(naive)


def test_the_batch_that_was_given_is_not_kept() -> None:
    running, batch = RunningScores(0.5), torch.tensor([1.0])
    running.add({"a": batch})
    batch.fill_(9.0)
    assert running.scores["a"].item() == 1.0


def test_a_model_in_half_precision_is_scored_in_single() -> None:
    model = tiny.randomise(tiny.ctc(), 0).to(torch.bfloat16)
    groups = find_groups(model, ["ffn_unit"])
    rounded, wide = (unit_scores(one, groups, Magnitude()) for one in (model, copy.deepcopy(model).float()))
    assert all(torch.equal(rounded[group.name], wide[group.name]) for group in groups)
