import pytest
import torch
from torch import Tensor, nn

import tiny
from secateur.families import find_groups
from secateur.group import Group
from secateur.masks import Gates, MaskState, multipliers, multiply


def drawn(groups: list[Group], seed: int = 0) -> dict[str, Tensor]:
    """Draw values in [0, 1], some of them exactly 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    values = {g.name: torch.rand(g.units, generator=generator, dtype=torch.float64) * 1.4 - 0.2 for g in groups}
    return {site: value.clamp(0, 1) for site, value in values.items()}


def weights(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters()}


@pytest.mark.parametrize("granularities", [*((g,) for g in tiny.STRUCTURED), tiny.STRUCTURED], ids="+".join)
@pytest.mark.parametrize("make", [tiny.ctc, tiny.ctc_without_biases], ids=["biases", "no biases"])
def test_closed_gates_are_masks(make, granularities) -> None:
    masked, gated = (tiny.randomise(make(), 1) for _ in range(2))
    groups = find_groups(masked, granularities)
    masks = tiny.random_masks(groups, 2)
    MaskState(masked, groups).set(masks)
    Gates(gated, groups).put({site: mask.double() for site, mask in masks.items()})
    torch.testing.assert_close(tiny.output(gated), tiny.output(masked), rtol=1e-12, atol=1e-12)


INSIDE = ("ffn_unit", "head", "conv_channel", "module")


@pytest.mark.parametrize("granularities", [*((g,) for g in INSIDE), INSIDE], ids="+".join)
@pytest.mark.parametrize("make", [tiny.ctc, tiny.ctc_without_biases], ids=["biases", "no biases"])
def test_gates_and_gradients_are_those_of_a_multiplication_in_the_forward(make, granularities) -> None:
    one, other = (tiny.randomise(make(), 3) for _ in range(2))
    groups = find_groups(one, granularities)
    values = drawn(groups)
    multiplied = {group.name: tiny.put_gate(one, group, values[group.name]) for group in groups}
    gates = Gates(other, groups)
    gates.put(values)
    torch.testing.assert_close(tiny.output(other), tiny.output(one), rtol=1e-12, atol=1e-12)
    for model in (one, other):
        model(**tiny.labelled()).loss.backward()
    found = gates.take()
    assert found.keys() == multiplied.keys()
    for site, gate in multiplied.items():
        assert gate.grad is not None
        torch.testing.assert_close(found[site], gate.grad, rtol=1e-6, atol=1e-9)
    for name, weight in one.named_parameters():
        torch.testing.assert_close(other.get_parameter(name).grad, weight.grad, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_a_layers_gate_is_what_its_output_adds() -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ("layer",))
    values = {group.name: torch.tensor([0.3], dtype=torch.float64) for group in groups}
    gates = Gates(model, groups)
    gates.put(values)
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(_: object, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.retain_grad()
        seen.append((inputs[0], output))

    model.encoder.layers[1].register_forward_hook(keep)
    model(**tiny.labelled()).loss.backward()
    source, blended = seen[0]
    assert blended.grad is not None
    added = (blended - source).detach() / 0.3
    torch.testing.assert_close(gates.take()[groups[1].name][0], (blended.grad * added).sum(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("gate", [0.3, 0.0])
def test_the_gradient_of_a_layers_gate_is_clipped_as_all_others_are(gate: float) -> None:
    found: list[dict[str, Tensor]] = []
    for factor in (1.0, 0.25):
        model = tiny.randomise(tiny.ctc(), 0)
        groups = find_groups(model, ["layer", "ffn_unit"])
        gates = Gates(model, groups)
        values = {"layer": gate, "ffn_unit": 0.5}
        gates.put({g.name: torch.full((g.units,), values[g.granularity], dtype=torch.float64) for g in groups})
        for part in range(2):  # accumulated
            model(**tiny.labelled(part)).loss.backward()
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
        found.append(gates.take())
    for site, whole in found[0].items():
        torch.testing.assert_close(found[1][site], 0.25 * whole, rtol=1e-6, atol=1e-12)
    assert any(bool(whole.ne(0).all()) for site, whole in found[0].items() if site.endswith(":layer"))


@pytest.mark.parametrize("granularity", tiny.ZEROED)
def test_gates_on_parts_of_weights_are_masks_and_see_what_their_parts_do(granularity: str) -> None:
    masked, gated = (tiny.randomise(tiny.ctc(), 1) for _ in range(2))
    groups = find_groups(masked, [granularity], block=tiny.BLOCK)
    masks = tiny.random_masks(groups, 2)
    MaskState(masked, groups).set(masks)
    gates = Gates(gated, groups)
    raw = weights(gated)
    gates.put({site: mask.double() for site, mask in masks.items()})
    torch.testing.assert_close(tiny.output(gated), tiny.output(masked), rtol=1e-12, atol=1e-12)
    for model in (masked, gated):
        model(**tiny.labelled()).loss.backward()
    found = gates.take()
    for group in groups:
        tensor = group.slices[0].tensor
        seen = masked.get_parameter(tensor).grad * raw[tensor]
        wanted = torch.stack([(seen * unit).sum() for unit in units_of(group, raw[tensor].shape)])
        torch.testing.assert_close(found[group.name], wanted, rtol=1e-6, atol=1e-9)


def units_of(group: Group, shape: torch.Size) -> list[Tensor]:
    """One tensor per unit, 1 at its weights."""
    parameters = {group.slices[0].tensor: torch.ones(shape, dtype=torch.float64)}
    every = []
    for unit in torch.eye(group.units, dtype=torch.bool):
        ones = {name: tensor.clone() for name, tensor in parameters.items()}
        multiply(ones, multipliers({group.name: group}, {group.name: unit}, ones))
        every.append(ones[group.slices[0].tensor])
    return every


@pytest.mark.parametrize("leave", ["take", "release"])
def test_the_weights_come_back_bit_for_bit(leave: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, tiny.STRUCTURED)
    before, output = weights(model), tiny.output(model)
    gates = Gates(model, groups)
    gates.put(drawn(groups))
    gates.put(drawn(groups, seed=1))
    assert not torch.equal(tiny.output(model), output)
    getattr(gates, leave)()
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(model).items())
    assert torch.equal(tiny.output(model), output)


def test_folded_gates_stay_in_the_weights() -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ("ffn_unit", "head", "conv_channel", "module"))
    gates = Gates(model, groups)
    gates.put(drawn(groups))
    gated = tiny.output(model)
    gates.fold()
    assert torch.equal(tiny.output(model), gated)
    assert gates.raw() == {}


def test_a_layer_with_half_a_gate_is_half_way_between_its_input_and_its_output() -> None:
    model = tiny.randomise(tiny.ctc(layers=1), 0)
    groups = find_groups(model, ("layer",))
    seen: list[Tensor] = []
    layer = model.encoder.layers[0]
    layer.register_forward_hook(lambda _, inputs, output: seen.extend([inputs[0], output]))
    tiny.output(model)
    Gates(model, groups).put({groups[0].name: torch.tensor([0.5], dtype=torch.float64)})
    tiny.output(model)
    before, whole, again, blended = seen  # a hook that was there first sees what is blended, as a teacher's must
    assert torch.equal(before, again)
    torch.testing.assert_close(blended, 0.5 * before + 0.5 * whole)


def test_weights_without_a_gradient_give_gates_none() -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, tiny.STRUCTURED)
    gates = Gates(model, groups)
    gates.put(drawn(groups))
    assert all(gradient.eq(0).all() for gradient in gates.take().values())


@pytest.mark.parametrize("name", tiny.ONE_EACH)
def test_layers_blend_in_mixed_precision_as_a_gpu_has_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_single(norm: nn.LayerNorm, seen: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return nn.functional.layer_norm(seen.float(), norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    monkeypatch.setattr(nn.LayerNorm, "forward", in_single)  # as CUDA's autocast does, and the CPU's does not
    model = tiny.ONE_EACH[name]().train().float()
    groups = find_groups(model, ["layer"])
    gates, masked = Gates(model, groups), MaskState(model, groups[:1])
    gates.put({group.name: torch.full((group.units,), 0.5) for group in groups})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(**tiny.labelled_for(model)).loss.backward()
    assert all(bool(seen.isfinite().all()) for seen in gates.take().values())
    masked.set({groups[0].name: torch.zeros(1, dtype=torch.bool)})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(**tiny.labelled_for(model)).loss.backward()
