import torch

import tiny
from secateur.runtime.head import Head, replace_head


def test_it_is_the_library_s_head() -> None:
    model, states = tiny.ctc(), torch.randn(2, 5, tiny.WIDTH)
    want = model.ctc_head(states)
    assert replace_head(model) is model
    assert isinstance(model.ctc_head, Head)
    torch.testing.assert_close(model.ctc_head(states), want)


def test_others_stay() -> None:
    model = tiny.gpt2()
    modules = list(model.modules())
    assert list(replace_head(model).modules()) == modules
