import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tiny
from secateur.allocation import Budget, GlobalRank, parameters_saved
from secateur.criteria import Movement
from secateur.families import find_groups
from secateur.masks import MaskState
from secateur.methods import StraightThrough
from secateur.methods.scores import unit_scores
from secateur.schedules import Linear

STEPS = 20


def made(granularities: Any, *, kept: float = 0.7, kind: str = "hard", model: Any = None, **options: Any) -> tuple:
    model = (model or tiny.randomise(tiny.ctc(), 0)).train()
    groups = find_groups(model, granularities, block=tiny.BLOCK)
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    whole = float(sum(parameter.numel() for parameter in model.parameters()))
    chosen = {"schedule": Linear(start=0.2, end=0.8), "every": 1, **options}
    method = StraightThrough(
        criterion=Movement(kind=kind),
        allocation=GlobalRank(),
        budget=Budget(unit="params", whole=whole, kept=kept * whole, saved=saved),
        **chosen,
    )
    method.prepare(model, groups, total_steps=STEPS)
    return model, groups, method


def train(model: Any, method: StraightThrough, steps: Any, *, lr: float = 1e-3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in steps:
        optimizer.zero_grad()
        method.begin(step)
        model(**tiny.labelled(step)).loss.backward()
        method.gather(step)
        optimizer.step()
        method.step(step)


def part(method: StraightThrough, kind: str) -> dict[str, Tensor]:
    prefix = f"{kind}/"
    return {n.removeprefix(prefix): t.clone() for n, t in method.state()[0].items() if n.startswith(prefix)}


@pytest.mark.parametrize(
    "granularities", [("element",), ("block",), ("head", "ffn_unit", "conv_channel")], ids="+".join
)
def test_while_all_stay_scores_are_the_criterions_terms_summed(granularities: tuple[str, ...]) -> None:
    model, groups, method = made(granularities)
    twin = tiny.randomise(tiny.ctc(), 0).train()
    optimizer = torch.optim.SGD(twin.parameters(), lr=1e-3)
    expected = {group.name: torch.zeros(group.units, dtype=torch.float64) for group in groups}
    for step in range(1, 5):
        optimizer.zero_grad()
        twin(**tiny.labelled(step)).loss.backward()
        for site, score in unit_scores(twin, groups, Movement()).items():
            expected[site] += score
        optimizer.step()
    train(model, method, range(1, 5))
    found = part(method, "score")
    assert all(mask.all() for mask in part(method, "mask").values())
    for site, score in expected.items():
        torch.testing.assert_close(found[site], score, rtol=1e-9, atol=1e-12)


def test_what_is_masked_goes_on_being_scored_by_the_gradient_of_its_gate() -> None:
    model, groups, method = made(("ffn_unit", "head", "conv_channel", "module"))
    train(model, method, range(1, 13))
    masks, before, raw = part(method, "mask"), part(method, "score"), part(method, "raw")
    assert any(not mask.all() for mask in masks.values())
    twin = tiny.randomise(tiny.ctc(), 0).train()
    twin.load_state_dict({**model.state_dict(), **raw})
    gates = {group.name: tiny.put_gate(twin, group, masks[group.name].double()) for group in groups}
    twin(**tiny.labelled(13)).loss.backward()
    train(model, method, [13])
    after = part(method, "score")
    for group in groups:
        wanted = -gates[group.name].grad
        torch.testing.assert_close(after[group.name] - before[group.name], wanted, rtol=1e-6, atol=1e-9)
    seen = [gates[group.name].grad[~masks[group.name]] for group in groups if group.granularity != "module"]
    assert float(torch.cat(seen).abs().max()) > 0


class Row(nn.Module):
    """Four weights, whose gradients a test writes by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))


def said(model: Row, method: StraightThrough, step: int, gradient: list[float]) -> list[float]:
    """Take one step without an optimizer; return the weights as the model shows them."""
    method.begin(step)
    model.layer.weight.grad = torch.tensor([gradient])
    method.gather(step)
    held = model.layer.weight.grad.tolist()
    method.step(step)
    return [*held, *model.layer.weight.tolist()]


def test_a_weight_that_has_left_comes_back_as_it_was_when_the_loss_wants_it() -> None:
    model = Row()
    groups = find_groups(model, ["element"])
    budget = Budget(unit="params", whole=4.0, kept=3.0, saved={groups[0].name: 1.0})
    method = StraightThrough(
        criterion=Movement(), allocation=GlobalRank(), schedule=Linear(start=0.0, end=1.0), budget=budget, every=1
    )
    method.prepare(model, groups, total_steps=4)
    # scores: the first weight is pulled to zero, the others away from it
    assert said(model, method, 1, [1.0, -1.0, -1.0, -1.0])[1:] == [[0.0, 2.0, 3.0, 4.0]]
    # masked, it sees a gradient that would take it away from zero; its own is none
    gradient, shown = said(model, method, 2, [-3.0, -0.1, -1.0, -1.0])
    assert gradient[0] == 0.0
    assert gradient[1] == pytest.approx(-0.1)
    assert part(method, "score")[groups[0].name].tolist() == pytest.approx([2.0, 2.2, 6.0, 8.0])
    assert shown == [0.0, 2.0, 3.0, 4.0]
    # now the second one is the weakest: the first is back with the weight it had
    assert said(model, method, 3, [-1.0, -0.1, -1.0, -1.0])[1] == [1.0, 0.0, 3.0, 4.0]
    assert said(model, method, 4, [0.0, 0.0, 0.0, 0.0])[1] == [1.0, 0.0, 3.0, 4.0]
    assert method.at_target
    model.layer.weight.data.fill_(5.0)
    method.step(5)
    assert model.layer.weight.tolist() == [[5.0, 0.0, 5.0, 5.0]]


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("granularities", [("element",), ("n_of_m",), tiny.STRUCTURED], ids="+".join)
def test_between_steps_the_model_is_the_pruned_one_and_its_weights_are_kept_behind(granularities, kind: str) -> None:
    model, groups, method = made(granularities, kind=kind)
    train(model, method, range(1, 12))
    masks, raw = part(method, "mask"), part(method, "raw")
    assert any(not mask.all() for mask in masks.values())
    shown = tiny.output(model.eval())
    twin = tiny.randomise(tiny.ctc(), 0)
    twin.load_state_dict({**model.state_dict(), **raw})
    MaskState(twin, groups).set(masks)
    torch.testing.assert_close(shown, tiny.output(twin.eval()), rtol=1e-9, atol=1e-9)


def test_units_leave_and_come_back_on_the_way_and_never_after_the_end() -> None:
    model, groups, method = made(("element",))
    seen = []
    for step in range(1, STEPS + 1):
        train(model, method, [step], lr=0.05)
        seen.append(torch.cat([part(method, "mask")[group.name] for group in groups]))
    back = [bool((after & ~before).any()) for before, after in itertools.pairwise(seen)]
    assert any(back[:15])
    assert not any(back[15:])
    assert all(bool(mask.all()) for mask in seen[:4])  # the first plateau
    assert all(torch.equal(mask, seen[15]) for mask in seen[16:])  # the last one


def test_the_size_is_the_one_that_is_due_at_every_cut() -> None:
    model, _, method = made(("element",))
    for step in range(1, STEPS + 1):
        train(model, method, [step])
        gone = sum(int((~mask).sum()) for mask in part(method, "mask").values())
        due = method._schedule.share(step / STEPS) * method.budget.removed
        assert due <= gone < due + 1
        assert method.numbers["kept_reached"] == pytest.approx(1 - gone / method.budget.whole)


def test_runs_hold_their_best_whatever_comes_back() -> None:
    model, groups, method = made(("n_of_m",), kept=0.8)
    for step in range(1, STEPS + 1):
        train(model, method, [step], lr=0.05)
        for group in groups:
            mask = part(method, "mask")[group.name].reshape(-1, 4, group.runs.stride)
            assert int(mask.sum(1).min()) >= 2


def test_the_optimizer_moves_no_weight_that_is_masked() -> None:
    model, groups, method = made(("element",))
    train(model, method, range(1, 12))
    masks, before = part(method, "mask"), part(method, "raw")
    train(model, method, [12], lr=0.1)
    after = part(method, "raw")
    for group in groups:
        tensor = group.slices[0].tensor
        moved = (after[tensor] - before[tensor]).flatten() != 0
        assert not bool((moved & ~masks[group.name]).any())
    assert any(bool((after[name] != before[name]).any()) for name in before)


def test_a_masked_layer_is_stepped_over_and_its_score_still_moves() -> None:
    model, _, method = made(("layer",), kept=0.6, model=tiny.randomise(tiny.ctc(layers=4), 0))
    train(model, method, range(1, 16))
    gone = [site for site, mask in part(method, "mask").items() if not mask.any()]
    before = part(method, "score")
    assert gone
    train(model, method, [16])
    assert all(not torch.equal(part(method, "score")[site], before[site]) for site in gone)
    assert method.at_target


def test_weights_are_scored_by_their_own_precision_or_better() -> None:
    *_, method = made(("ffn_unit",), model=tiny.randomise(tiny.ctc(), 0).bfloat16())
    assert {score.dtype for score in part(method, "score").values()} == {torch.float32}
    assert method.needs_batches


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_step_that_overflowed_anywhere_is_passed_over(kind: str, bad: float) -> None:
    model, _, method = made(("head", "ffn_unit"), kind=kind)
    train(model, method, [1])
    before = part(method, "score")
    method.begin(2)
    model(**tiny.labelled(2)).loss.backward()
    norm = model.encoder.layers[0].norm_out.weight  # no gate reads it
    norm.grad = torch.full_like(norm, bad)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    method.gather(2)
    assert all(torch.equal(score, before[site]) for site, score in part(method, "score").items())
