import torch

import tiny
from secateur.runtime import SparseLinear, accelerate
from secateur.runtime.attention import RelativeAttention
from secateur.runtime.rest import accelerate_rest
from secateur.runtime.subsampling import Subsampling
from sparse_weights import zeroed
from speech import MELS, recognizer


def test_sparse_layers_are_taken_along() -> None:
    model = accelerate(zeroed(recognizer(hidden_size=32, intermediate_size=128)), choose="sparse")
    count = sum(isinstance(module, SparseLinear) for module in model.modules())
    heard = torch.randn(1, 60, MELS)
    with torch.inference_mode():
        before = model(heard).logits
        after = accelerate_rest(model)(heard).logits
    kinds = {type(module) for module in model.modules()}
    assert {RelativeAttention, Subsampling} <= kinds
    assert sum(isinstance(module, SparseLinear) for module in model.modules()) == count > 0
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)


def test_other_models_stay_as_they_are() -> None:
    model = tiny.gpt2()
    modules = list(model.modules())
    assert list(accelerate_rest(model).modules()) == modules
