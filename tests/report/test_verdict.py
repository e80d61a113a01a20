import pytest

from secateur.report.cells import plain
from secateur.report.formats import GAP
from secateur.report.verdict import target, verdict


@pytest.mark.parametrize(
    ("comparison", "kind"),
    [
        ({"wer_difference": 0.003, "p_value": 0.31}, "same"),
        ({"wer_difference": 0.003, "p_value": 0.05}, "same"),
        ({"wer_difference": 0.003, "p_value": 0.049}, "worse"),
        ({"wer_difference": -0.003, "p_value": 0.049}, "better"),
        ({"wer_difference": 0.0, "p_value": 0.0}, "same"),
        ({"wer_difference": 0.02, "wer_difference_ci95": [0.01, 0.03]}, "worse"),
        ({"wer_difference": 0.02, "wer_difference_ci95": [0.0, 0.03]}, "same"),
    ],
)
def test_the_verdict_is_given_at_five_per_cent(comparison, kind):
    found = verdict({"comparison": comparison})
    assert found is not None
    assert found.kind == kind


def test_nothing_is_said_of_what_was_not_compared():
    assert verdict({}) is None
    assert verdict({"comparison": {"wer_difference": 0.1}}) is None
    assert verdict({"comparison": {"p_value": 0.1}}) is None


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"unit": "params", "kept": 2_000_000, "reached": 1_999_872},
            "Target (parameters): 2.00 M wanted, 2.00 M reached.",
        ),
        ({"unit": "bytes", "kept": 0.25}, "Target (bytes): 25.00 % wanted."),
        ({"kept": 0.5, "reached": 0.51}, "Target: 50.00 % wanted, 51.00 % reached."),
        ({"unit": "params"}, ""),
    ],
)
def test_the_target_is_told_in_its_own_unit(wanted, sentence):
    assert plain(target({"target": wanted})).replace(GAP, " ") == sentence


@pytest.mark.parametrize(
    ("ratio", "p_value", "kind"), [(1.1, 0.2, "same"), (1.1, 0.01, "worse"), (0.9, 0.01, "better"), (1.0, 0.01, "same")]
)
def test_language_models_are_compared_by_their_perplexity(ratio, p_value, kind):
    found = verdict({"comparison": {"perplexity_ratio": ratio, "p_value": p_value}})
    assert (found.kind, found.of) == (kind, "Change of the perplexity")
