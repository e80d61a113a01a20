import inspect

import pytest

from secateur.methods import METHODS, Method

VERBS = [name for name in vars(Method) if not name.startswith("_")]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_method_has_the_trainers_verbs_with_the_same_arguments(method: type, verb: str) -> None:
    promised, given = getattr(Method, verb), inspect.getattr_static(method, verb)
    if isinstance(promised, property):
        assert isinstance(given, property)
    else:
        assert list(inspect.signature(given).parameters) == list(inspect.signature(promised).parameters)
