from secateur.report.cells import plain
from secateur.report.formats import GAP
from secateur.report.rows import Row, rows
from secateur.report.values import dotted


def texts(row: Row) -> list[str]:
    return [plain(cell).replace(GAP, " ") for cell in (row.dense, row.pruned, row.change)]


def by_label(report) -> dict[str, Row]:
    return {f"{row.label} {row.note}".strip().replace(GAP, " "): row for row in rows(report)}


def test_the_rows_say_what_the_report_says(numbers):
    found = by_label(numbers)
    assert texts(found["Parameters"]) == ["4.21 M", "2.11 M", "\N{MINUS SIGN}50.0 %"]
    assert texts(found["Bytes on disk"])[2] == "\N{MINUS SIGN}49.9 %"
    assert texts(found["Word error rate 130 utterances, 773 words"]) == [
        "6.13 % [5.03, 7.33]",
        "6.43 % [5.33, 7.63]",
        "+0.30 [\N{MINUS SIGN}0.40, +1.01], p = 0.31",
    ]
    assert texts(found["Speed-up median"])[2] == "1.80\N{MULTIPLICATION SIGN} [1.71\N{MULTIPLICATION SIGN}, " + (
        "1.89\N{MULTIPLICATION SIGN}]"
    )


def test_every_length_of_audio_has_its_median_and_its_ninetieth(numbers):
    labels = [label for label in by_label(numbers) if label.startswith("Latency")]
    assert len(labels) == 6
    assert labels[0] == "Latency of 2.5 s of audio median, torch, 2 threads"
    assert labels[5] == "Latency of 30 s of audio 90th percentile, torch, 2 threads"


def test_every_set_has_its_own_row(numbers):
    row = by_label(numbers)["Word error rate, an4.test 80 utterances, 500 words"]
    assert row.dense[0].key == dotted(("dense", "sets", "an4.test", "wer"))
    assert "Character error rate, digits" in by_label(numbers)
    assert "Character error rate, an4.test" not in by_label(numbers)


def test_a_report_of_nothing_has_no_rows():
    assert rows({"schema": 1}) == ()


def test_a_language_model_has_perplexity_and_no_word_errors():
    found = by_label({"dense": {"perplexity": 61.2371}, "pruned": {"perplexity": 66.5}})
    assert list(found) == ["Perplexity"]
    assert texts(found["Perplexity"]) == ["61.24", "66.5", "+8.6 %"]


def test_a_change_is_worked_out_only_from_two_numbers():
    assert texts(rows({"dense": {"params": 4}})[0]) == ["4", "", ""]
    assert texts(rows({"dense": {"params": 0}, "pruned": {"params": 0}})[0]) == ["0", "0", ""]
    assert texts(rows({"dense": {"cer": 0.5}, "pruned": {"cer": 0.0}})[0])[2] == "\N{MINUS SIGN}50.00"


def test_values_of_the_wrong_kind_count_as_absent():
    assert rows({"dense": {"wer": "low", "latency": 3, "latencies": [None], "sets": []}, "pruned": []}) == ()


def test_a_language_model_is_told_by_its_perplexity_with_interval_and_relative_change():
    measures = {"perplexity": 60.0, "perplexity_ci95": [58.0, 62.0], "macs_per_token": 9, "sentences": 4, "words": 20}
    report = {
        "dense": measures,
        "pruned": {**measures, "perplexity": 66.0, "sets": {"a": {"perplexity": 66.0}}},
        "comparison": {"perplexity_ratio": 1.1, "perplexity_ratio_ci95": [1.05, 1.15], "p_value": 0.02, "macs": 0.5},
    }
    found = by_label(report)
    assert not [label for label in found if label.startswith(("Word error rate", "MACs per second"))]
    assert texts(found["Perplexity 4 sentences, 20 words"]) == [
        "60 [58, 62]",
        "66 [58, 62]",
        "+10.0 % [+5.0 %, +15.0 %], p = 0.020",
    ]
    assert texts(found["MACs per token"])[2] == "\N{MINUS SIGN}50.0 %"
    assert texts(found["Perplexity, a"])[:2] == ["", "66"]


def test_a_language_model_that_was_trained_says_what_it_was_judged_by():
    found = by_label({"dense": {"perplexity": 60.0, "sentences": 4, "words": 20}})
    assert list(found) == ["Perplexity 4 sentences, 20 words"]


def test_latencies_of_texts_are_told_by_their_tokens():
    row = {"runtime": "torch", "threads": 1, "tokens": 32, "median_s": 0.1, "p90_s": 0.2}
    labels = [row.label for row in rows({"dense": {"latency": row}, "pruned": {"latency": row}})]
    assert labels == ["Latency of 32 tokens"] * 2
