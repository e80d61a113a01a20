import pytest
import torch

from secateur.group import Group
from secateur.methods import hard_concrete
from secateur.methods.gate_parameters import GateParameters

GROUPS = [Group(name=n, granularity="ffn_unit", module=n, units=u, slices=()) for n, u in (("a", 3), ("b", 2))]


def made(**options: float) -> GateParameters:
    return GateParameters(GROUPS, **{"openness": 0.9, "learning_rate": 0.1, **options})


def test_every_gate_starts_alike_and_is_named_by_its_site() -> None:
    expected = hard_concrete.openness(torch.tensor(hard_concrete.start(0.9), dtype=torch.float64)).item()
    found = made().openness()
    assert {site: len(chance) for site, chance in found.items()} == {"a": 3, "b": 2}
    assert all(chance.tolist() == pytest.approx([expected] * len(chance)) for chance in found.values())


def test_draws_hang_on_seed_and_step() -> None:
    one, other = made(), made()
    assert torch.equal(one.draw(seed=1, step=2), other.draw(seed=1, step=2))
    assert not torch.equal(one.draw(seed=1, step=2), one.draw(seed=1, step=3))
    assert not torch.equal(one.draw(seed=1, step=2), one.draw(seed=2, step=2))


def test_gates_that_the_loss_wants_larger_open_and_the_others_close() -> None:
    parameters = made(openness=0.5)
    gradient = torch.tensor([-1.0, 1.0, 0.0, -1.0, 1.0], dtype=torch.float64)
    for step in range(30):
        drawn = parameters.draw(seed=0, step=step)
        parameters.descend(drawn, gradient, torch.zeros((), dtype=torch.float64))
    log_alpha = parameters.log_alpha.tolist()
    assert log_alpha[0] > 1 > log_alpha[2] == 0 > -1 > log_alpha[1]
    assert log_alpha[3] > 1
    assert log_alpha[4] < -1


def test_log_alpha_stays_within_its_bounds() -> None:
    parameters = made(learning_rate=10.0)
    for step in range(5):
        drawn = parameters.draw(seed=0, step=step)
        parameters.descend(drawn, torch.ones(5, dtype=torch.float64), torch.zeros((), dtype=torch.float64))
    assert parameters.log_alpha.abs().max() <= hard_concrete.BOUND


def test_spreading_keeps_the_mean_and_orders_by_worth() -> None:
    parameters = made(openness=0.5)
    worth = {"a": torch.tensor([1.0, 10.0, 100.0]), "b": torch.tensor([1000.0, 10000.0])}
    parameters.spread(worth, deviation=1.5)
    log_alpha = parameters.log_alpha.detach()
    assert log_alpha.mean().item() == pytest.approx(0.0, abs=1e-12)
    assert log_alpha.std().item() == pytest.approx(1.5)
    assert torch.allclose(log_alpha.diff(), log_alpha.diff()[0])


def test_sharpening_leaves_fewer_gates_undecided_in_the_same_order() -> None:
    parameters = made(openness=0.5)
    parameters.spread({"a": torch.tensor([1.0, 10.0, 100.0]), "b": torch.tensor([1e3, 1e4])}, deviation=1.0)
    before = parameters.log_alpha.detach().clone()
    parameters.sharpen(3.0)
    assert torch.allclose(parameters.log_alpha, 3 * before)
    parameters.sharpen(1e6)
    assert parameters.log_alpha.abs().max() <= hard_concrete.BOUND


def test_a_unit_that_no_batch_missed_goes_below_the_others_and_leaves_them_apart() -> None:
    parameters = made(openness=0.5)
    parameters.spread({"a": torch.tensor([0.0, 1.0, 4.0]), "b": torch.tensor([2.0, 0.0])}, deviation=1.5)
    first, one, four, two, last = parameters.log_alpha.tolist()
    assert torch.tensor([one, four, two]).std().item() == pytest.approx(1.5)
    assert first == last == pytest.approx(one - 1.5)
    assert one < two < four


@pytest.mark.parametrize(("worth", "found"), [(0.0, 0.0), (1.0, -1.5)])
def test_a_unit_that_no_batch_missed_goes_below_equals_and_stays_where_all_are_alike(
    worth: float, found: float
) -> None:
    parameters = made(openness=0.5)
    parameters.spread({"a": torch.tensor([0.0, worth, worth]), "b": worth * torch.ones(2)}, deviation=1.5)
    assert parameters.log_alpha[0].item() == found


def test_units_of_equal_worth_are_not_moved() -> None:
    parameters = made(openness=0.5)
    parameters.spread({"a": torch.ones(3), "b": torch.ones(2)}, deviation=1.5)
    assert parameters.log_alpha.tolist() == [0.0] * 5


def test_a_state_goes_on_where_it_was_taken() -> None:
    def learn(parameters: GateParameters, steps: range) -> None:
        for step in steps:
            drawn = parameters.draw(seed=0, step=step)
            parameters.descend(drawn, torch.ones(5, dtype=torch.float64), torch.zeros((), dtype=torch.float64))

    straight, first, second = made(), made(), made()
    learn(straight, range(5))
    learn(first, range(3))
    second.load(first.state())
    learn(second, range(3, 5))
    assert torch.equal(straight.log_alpha, second.log_alpha)


@pytest.mark.parametrize("wanted", [0.01, 1.0, 2.5, 4.9])
def test_all_gates_move_by_the_one_number_at_which_as_much_is_saved_as_is_wanted(wanted: float) -> None:
    parameters = made()
    parameters.spread({"a": torch.tensor([1.0, 10.0, 100.0]), "b": torch.tensor([1000.0, 1.0])}, deviation=3.0)
    before = parameters.log_alpha.detach().clone()
    moved = parameters.shift(lambda chances: 5 - torch.cat(list(chances.values())).sum(), wanted)
    assert (parameters.log_alpha.detach() - before).tolist() == pytest.approx([moved] * 5)
    assert 5 - float(torch.cat(list(parameters.openness().values())).sum().detach()) == pytest.approx(wanted, abs=1e-9)
