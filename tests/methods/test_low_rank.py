import pytest
import torch
from torch import Tensor

from secateur.methods import FACTORS, by_information, by_moments, factors
from secateur.recipes.method_parts import LowRank


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cost(matrix: Tensor, first: Tensor, last: Tensor, rank: int, inputs: Tensor) -> float:
    """Mean squared change of the layer's output over `inputs` (N, in)."""
    change = matrix - last[:, :rank] @ first[:rank]
    return float((inputs @ change.T).square().sum(1).mean())


SKEWED = drawn(200, 6, seed=3) @ (drawn(6, 6, seed=4) * torch.tensor([9.0, 5.0, 3.0, 1.0, 0.5, 0.1]))
MEASURES = {
    "svd": None,
    "fisher": by_information(drawn(6, seed=5).square()),
    "whitened": by_moments(SKEWED.T @ SKEWED / len(SKEWED)),
}


def test_no_way_is_forgotten() -> None:
    assert FACTORS.keys() == MEASURES.keys() == set(LowRank.model_fields["factors"].annotation.__args__)


@pytest.mark.parametrize("shape", [(4, 6), (6, 6), (9, 6)])
@pytest.mark.parametrize("name", MEASURES)
def test_with_all_components_the_product_is_the_matrix(name: str, shape: tuple[int, int]) -> None:
    matrix = drawn(*shape)
    first, last = factors(matrix, MEASURES[name])
    assert first.shape == (min(shape), 6)
    torch.testing.assert_close(last @ first, matrix)


@pytest.mark.parametrize("name", MEASURES)
def test_both_vectors_of_a_component_have_one_length_and_components_fall(name: str) -> None:
    first, last = factors(drawn(5, 6), MEASURES[name])
    torch.testing.assert_close(first.norm(dim=1), last.norm(dim=0))
    if name == "svd":
        sizes = first.norm(dim=1) * last.norm(dim=0)
        torch.testing.assert_close(sizes, torch.linalg.svdvals(drawn(5, 6)))


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_whitened_factors_change_the_output_least(rank: int) -> None:
    """The least there is: inputs that have the very second moments, and the best rank-r approximation of the output."""
    matrix = drawn(5, 6)
    by = {name: cost(matrix, *factors(matrix, measure), rank, SKEWED) for name, measure in MEASURES.items()}
    outputs = SKEWED @ matrix.T
    least = float(torch.linalg.svdvals(outputs)[rank:].square().sum() / len(SKEWED))
    assert by["whitened"] == pytest.approx(least, rel=1e-2)
    assert by["whitened"] < 0.9 * by["svd"]


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_fisher_factors_change_weighted_weights_least(rank: int) -> None:
    information, matrix = drawn(6, seed=5).square(), drawn(5, 6)

    def weighted(name: str) -> float:
        first, last = factors(matrix, MEASURES[name])
        return float(((matrix - last[:, :rank] @ first[:rank]).square() * information).sum())

    assert weighted("fisher") < weighted("svd")
    assert weighted("fisher") == pytest.approx(
        float(torch.linalg.svdvals(matrix * information.sqrt())[rank:].square().sum()), rel=1e-2
    )


@pytest.mark.parametrize("seen", [torch.zeros(4, 4), torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0]))])
def test_inputs_that_were_never_seen_do_not_break_it(seen: Tensor) -> None:
    matrix = drawn(3, 4).float()
    for measure in (by_moments(seen), by_information(seen.diagonal())):
        first, last = factors(matrix, measure)
        assert first.isfinite().all()
        assert (last @ first - matrix).norm() < 0.05 * matrix.norm()


def test_a_matrix_of_zeros_has_components_of_zeros() -> None:
    first, last = factors(torch.zeros(3, 4))
    assert (last @ first == 0).all()
