import random

from secateur.report.curves import MAX_PARTS, panels, stages, thin, timeline


def steps(log) -> list[float]:
    return [step for step, _ in timeline(log)]


def test_losses_share_a_panel_and_the_rest_have_their_own():
    line = {"step": 1, "loss": 3, "loss_ctc": 2, "loss_layers": 1, "learning_rate": 0.1, "valid_wer": 0.5}
    found = {panel.title: [curve.name for curve in panel.curves] for panel in panels([line])}
    assert found == {
        "Loss": ["loss", "ctc", "layers"],
        "Validation WER": ["WER"],
        "Learning rate": ["learning rate"],
    }


def test_a_log_without_steps_has_no_curves():
    assert panels([{"loss": 1}, {"step": "x", "loss": 1}, {"step": 1, "loss": float("nan")}]) == ()


def test_a_stage_that_counts_anew_is_set_behind_the_one_before():
    log = [{"step": 0, "stage": "prune"}, {"step": 9, "stage": "prune"}, {"step": 0, "stage": "recover"}]
    assert steps([*log, {"step": 5, "stage": "recover"}]) == [0, 9, 9, 14]


def test_a_resumed_run_is_told_once():
    log = [{"step": step, "run": run} for run, of in ((0, range(8)), (1, range(5, 10))) for step in of]
    assert steps(log) == list(range(10))
    assert timeline(log)[5][1]["run"] == 1


def test_lines_of_one_step_are_all_kept():
    assert steps([{"step": 1, "loss": 2}, {"step": 1, "valid_wer": 0.1}, {"step": 2}]) == [1, 1, 2]


def test_stages_are_told_only_where_there_are_several():
    log = [{"step": 0, "stage": "prune"}, {"step": 1}, {"step": 2, "stage": "recover"}]
    assert stages(log) == (("prune", 0), ("recover", 2))
    assert stages(log[:2]) == ()


def test_thinning_keeps_the_extremes_and_the_order():
    draw = random.Random(0)
    points = [(step, draw.random()) for step in range(10_000)]
    kept = thin(points, 100)
    assert len(kept) <= 100
    assert list(kept) == sorted(kept)
    for extreme in (min, max):
        assert extreme(value for _, value in kept) == extreme(value for _, value in points)


def test_a_log_of_many_losses_draws_as_many_as_there_are_colours():
    (panel,) = panels([{"step": 0, "loss": 1, **{f"loss_{index}": 1 for index in range(20)}}])
    assert len(panel.curves) == MAX_PARTS
