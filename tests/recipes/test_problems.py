from typing import Any

import pytest
from pydantic import ValidationError

from secateur.recipes.problems import sentences
from secateur.recipes.schema import Recipe

# One row per kind of complaint: what arrived, and the whole sentence.
ROWS: list[tuple[dict[Any, Any], str]] = [
    ({"seed": "a"}, "`seed` must be an integer, but is 'a'"),
    ({"seed": 2**32}, "`seed` must be at most 4294967295, but is 4294967296"),
    ({"round_to": 0}, "`round_to` must be at least 1, but is 0"),
    ({"max_seconds": -1}, "`max_seconds` must be greater than 0, but is -1"),
    ({"max_seconds": True}, "`max_seconds` must be a number, but is true"),
    ({"max_seconds": float("inf")}, "`max_seconds` must be finite, but is inf"),
    ({"model": 3}, "`model` must be text, but is 3"),
    ({"data": "x"}, "`data` must be a mapping, but is 'x'"),
    ({"train": []}, "`train` must be a mapping, but is []"),
    ({"include": "x"}, "`include` must be a list, but is 'x'"),
    ({"include": [3]}, "`include[0]` must be text, but is 3"),
    ({"bench": {"seconds": []}}, "`bench.seconds` must have 1 or more entries, but is []"),
    ({"bench": {"seconds": [4, "x"]}}, "`bench.seconds[1]` must be a number, but is 'x'"),
    ({"architecture": {"dropout": 1}}, "`architecture.dropout` must be less than 1, but is 1"),
    (
        {"architecture": {"family": "gpt-2"}},
        "`architecture` has the family 'gpt-2', but must have parakeet, gpt2, opt or llama; did you mean gpt2?",
    ),
    ({"architecture": {"family": "opt", "layers": 0}}, "`architecture.layers` must be at least 1, but is 0"),
    (
        {"architecture": {"family": "opt", "hads": 3}},
        "`architecture.hads` is not a field of a recipe; did you mean `architecture.heads`?",
    ),
    (
        {"architecture": {"vocabulary": 500}},
        "`architecture.vocabulary` is not a field of such a model; `architecture.family` says which it is, parakeet "
        "unless given",
    ),
    ({"criterion": {}}, "`criterion.name` must be given, but is absent"),
    ({"target": {}}, "`target` must have at least one of params, bytes, macs or sparsity, but has none of them"),
    ({3: 4}, "`3` must be a text key, but is 3; quote it"),
    ({"keep_at_least": {3: 4}}, "`keep_at_least.3` must be a text key, but is 3; quote it"),
    ({"traget": {}}, "`traget` is not a field of a recipe; did you mean `target`?"),
    ({"data": {"vald": "x"}}, "`data.vald` is not a field of a recipe; did you mean `data.valid`?"),
    ({"time_masks": 3}, "`time_masks` is not a field of a recipe; did you mean `augment.specaugment.time_masks`?"),
    ({"learning_rate": 3}, "`learning_rate` is not a field of a recipe; did you mean `train.learning_rate`?"),
    (
        {"bench": {"zzz": 3}},
        "`bench.zzz` is not a field of a recipe; the fields there are seconds, tokens, threads, repeats",
    ),
    (
        {"target": {"params": 0.5, "latency": 1}},
        "`target.latency` is not built yet; use `target.params`, `target.bytes` or `target.macs`",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), ROWS)
def test_every_complaint_is_a_sentence(fields: dict[Any, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(fields)
    assert sentences(caught.value) == [sentence]


def test_a_complaint_without_words_of_ours_is_reworded() -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate_json('{"seed": 1.5}')
    (sentence,) = sentences(caught.value)
    assert sentence.startswith("`seed` must be a valid integer") or sentence == "`seed` must be an integer, but is 1.5"
