import pytest
from torch import nn

import tiny
from secateur.families.any_module import weights


def test_every_matrix_and_filter_is_found_once_and_tied_embeddings_stay_whole() -> None:
    model = tiny.Plain()
    assert {group.name: group.units for group in weights(model)} == {
        "image.weight:element": 2 * 1 * 3 * 3,
        "sound.weight:element": 4 * 8 * 3,
        "shared.weight:element": 4 * 4,
    }


@pytest.mark.parametrize("name", ["gpt2", "opt", "llama"])
def test_a_language_model_has_all_its_matrices_but_those_tied_to_embeddings(name: str) -> None:
    model = tiny.MODELS[name](layers=1)
    tied = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    matrices = {n for n, tensor in model.named_parameters() if tensor.dim() == 2 and id(tensor) not in tied}
    assert {group.slices[0].tensor for group in weights(model)} == matrices


def test_the_only_slice_is_the_tensor_itself() -> None:
    (group,) = weights(nn.Linear(2, 3))
    assert (group.name, group.module, group.units) == ("weight:element", "", 6)
    assert [(where.tensor, where.dim, where.gate) for where in group.slices] == [("weight", None, True)]


@pytest.mark.parametrize("order", [("embedding", "head"), ("head", "embedding")])
def test_a_tensor_shared_with_an_embedding_stays_whole_whichever_comes_first(order: tuple[str, str]) -> None:
    layers = {"embedding": nn.Embedding(5, 4), "head": nn.Linear(4, 5)}
    layers["head"].weight = layers["embedding"].weight
    assert weights(nn.ModuleDict({name: layers[name] for name in order})) == []


def test_a_tensor_that_is_computed_from_others_stays_whole() -> None:
    assert weights(nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))) == []
    with pytest.warns(FutureWarning, match="weight_norm"):
        assert weights(nn.utils.weight_norm(nn.Linear(2, 3))) == []


def test_every_name_is_a_parameter_of_the_model() -> None:
    model = tiny.rnnt()
    names = dict(model.named_parameters())
    assert all(where.tensor in names for group in weights(model) for where in group.slices)
