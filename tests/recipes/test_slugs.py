import pytest

from secateur.recipes.slugs import MAX_SLUG, clean, slug

ROWS: list[tuple[str, object, str]] = [
    ("criterion", "taylor", "taylor"),
    ("target.params", 0.5, "params0.5"),
    ("target.params", 2_000_000, "params2000000"),
    ("train.learning_rate", 1e-5, "learning_rate1e-05"),
    ("train.max_steps", -1, "max_steps-1"),
    ("train.bf16", False, "bf16-false"),
    ("distill", None, "distill-null"),
    ("granularity", ["head", "ffn_unit"], "head+ffn_unit"),
    ("bench.tokens", [8, 16], "tokens8+tokens16"),
    ("target", {"params": 0.5, "macs": 0.6}, "params0.5-macs0.6"),
    ("schedule", {"name": "cubic", "end": 0.6}, "cubic-end0.6"),
    ("model", "runs/dense/model", "runs_dense_model"),
    ("model", "über uns", "_ber_uns"),
]


@pytest.mark.parametrize(("field", "value", "name"), ROWS)
def test_a_value_is_called_so_that_a_reader_knows_it(field: str, value: object, name: str) -> None:
    assert slug(field, value) == name


@pytest.mark.parametrize("text", ["..", "../..", "/", ".hidden", "--force", "", "\x00", "a" * 999, "a\nb", "CON:"])
def test_no_text_makes_a_name_that_leads_elsewhere(text: str) -> None:
    name = clean(text)
    assert 0 < len(name) <= MAX_SLUG
    assert not name.startswith((".", "-"))
    assert not set(name) & set("/\\:\n\x00 ")
