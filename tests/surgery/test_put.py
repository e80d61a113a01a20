import pytest
from torch import nn

from secateur.surgery.put import put


@pytest.mark.parametrize("training", [True, False])
def test_a_module_takes_the_place_and_the_mode_of_another(training: bool) -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2))).train(training)
    new = nn.Identity().train(not training)
    put(model, "0.0", new)
    assert model[0][0] is new
    assert new.training is training
