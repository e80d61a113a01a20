import torch

from secateur.methods.prefixes import inside, under


def test_what_lies_under_a_prefix_comes_out_as_it_went_in() -> None:
    masks = {"a": torch.tensor([True]), "mask/a": torch.tensor([False])}
    scores = {"a": torch.tensor([1.0])}
    together = under("mask/", masks) | under("score/", scores)
    assert list(together) == ["mask/a", "mask/mask/a", "score/a"]
    assert inside("mask/", together) == masks
    assert inside("score/", together) == scores
    assert inside("gate/", together) == {}
