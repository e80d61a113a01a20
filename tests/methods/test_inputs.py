import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence
from transformers.pytorch_utils import Conv1D

from secateur.methods.inputs import InputMeans, moments
from secateur.processor import emulates_bfloat16

LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Linear(4, 3), (2, 5, 4)),
    "gpt2's": (Conv1D(3, 4), (2, 5, 4)),
    "convolution": (nn.Conv1d(4, 6, 3), (2, 4, 9)),
    "depthwise": (nn.Conv1d(4, 4, 3, groups=4), (2, 4, 9)),
    "grouped": (nn.Conv1d(4, 6, 3, groups=2), (2, 4, 9)),
    "two dimensions": (nn.Conv2d(4, 6, 3), (2, 4, 7, 8)),
}


def watched(layer: nn.Module) -> tuple[nn.Module, InputMeans]:
    model = nn.Sequential(layer)
    return model, InputMeans(model, ["0.weight"])


def by_hand(layer: nn.Module, inputs: Tensor) -> Tensor:
    """The mean square of the input that each weight multiplies, weight by weight."""
    found = torch.empty_like(layer.weight)
    axis = -1 if isinstance(layer, nn.Linear | Conv1D) else 1
    means = [float(inputs.select(axis, feature).square().mean()) for feature in range(inputs.shape[axis])]
    for index in torch.cartesian_prod(*(torch.arange(size) for size in found.shape)).tolist():
        if isinstance(layer, Conv1D):
            feature = index[0]
        elif isinstance(layer, nn.Linear):
            feature = index[1]
        else:
            width = layer.in_channels // layer.groups
            feature = index[0] // (layer.out_channels // layer.groups) * width + index[1]
        found[tuple(index)] = means[feature]
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_every_weight_knows_the_energy_of_what_it_multiplies(name: str) -> None:
    layer, shape = LAYERS[name]
    model, energies = watched(layer)
    inputs = torch.randn(shape)
    model(inputs)
    seen = energies.take_for_weights()["0.weight"]
    with torch.no_grad():
        torch.testing.assert_close(seen.expand_as(layer.weight), by_hand(layer, inputs))


def test_forwards_add_up_until_they_are_taken() -> None:
    model, energies = watched(nn.Linear(2, 1))
    model(torch.full((3, 2), 1.0))
    model(torch.full((1, 2), 3.0))
    assert energies.take_for_weights()["0.weight"].tolist() == [[3.0, 3.0]]  # (3 * 1 + 1 * 9) / 4
    assert energies.take_for_weights() == {}
    model(torch.full((1, 2), 2.0))
    assert energies.take_for_weights()["0.weight"].tolist() == [[4.0, 4.0]]


def test_a_validation_is_not_looked_at_and_neither_is_anything_once_removed() -> None:
    model, energies = watched(nn.Linear(2, 1))
    with torch.no_grad():
        model(torch.ones(1, 2))
    with torch.inference_mode():
        model(torch.ones(1, 2))
    assert energies.take_for_weights() == {}
    energies.remove()
    model(torch.ones(1, 2))
    assert energies.take_for_weights() == {}


def test_what_multiplies_nothing_is_passed_over() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Embedding(3, 2))
    energies = InputMeans(model, ["0.weight", "0.bias", "1.weight", "2.weight"])
    model[1](model[0](torch.ones(1, 2)))
    assert list(energies.take_for_weights()) == ["0.weight"]


class Transposing(nn.Conv1d):
    """Features last, as Parakeet's output layer takes them."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2))


def test_a_convolution_that_takes_its_features_last_is_read_so() -> None:
    model, energies = watched(Transposing(2, 3, 1))
    model(torch.tensor([[[1.0, 2.0], [3.0, 2.0], [1.0, 2.0]]]))
    assert energies.take_for_weights()["0.weight"][0].flatten().tolist() == pytest.approx([11 / 3, 4.0])


@pytest.mark.skipif(emulates_bfloat16(), reason="no LSTM in bfloat16 on this processor")
def test_in_mixed_precision_recurrent_means_have_all_digits() -> None:
    torch.manual_seed(0)
    layer, batch = nn.LSTM(4, 3, num_layers=2, batch_first=True), torch.randn(2, 50, 4)
    names = ["weight_ih_l0", "weight_hh_l0", "weight_ih_l1", "weight_hh_l1"]
    found = []
    for mixed in (False, True):
        means = InputMeans(layer, names)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            layer(batch)
        found.append(means.take())
        means.remove()
    for name in names:
        torch.testing.assert_close(found[1][name], found[0][name])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences_count_with_their_own_positions_alone(bidirectional: bool) -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(4, 3, batch_first=True, bidirectional=bidirectional)
    sequences = [torch.randn(5, 4), torch.randn(2, 4)]
    means = InputMeans(layer, [name for name, _ in layer.named_parameters()])
    layer(pack_sequence(sequences))
    packed = means.take()
    for sequence in sequences:
        layer(sequence[None])
    for name, wanted in means.take().items():
        torch.testing.assert_close(packed[name], wanted)


def test_an_input_may_be_given_by_name() -> None:
    model, energies = watched(nn.Linear(2, 1))
    model[0](input=torch.full((1, 2), 2.0))
    assert energies.take_for_weights()["0.weight"].tolist() == [[4.0, 4.0]]


@pytest.mark.parametrize("inputs", [3, 512, 1025])
def test_moments_of_many_inputs_are_the_same_in_halves(inputs: int) -> None:
    seen = torch.randn(40, inputs, generator=torch.Generator().manual_seed(0))
    found = moments(seen)
    torch.testing.assert_close(found, seen.T @ seen, rtol=1e-5, atol=1e-4)
    half = inputs // 2
    assert half < 256 or torch.equal(found[:half, half:], found[half:, :half].T)
