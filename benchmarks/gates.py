"""How well a size constraint steers simulated gates: ours, and two multipliers that ascend by Adam."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.cells import has_no_result, write_result
from secateur.group import Group
from secateur.methods import hard_concrete
from secateur.methods.gate_parameters import GateParameters
from secateur.methods.lagrangian import Lagrangian
from secateur.schedules import Cubic

GATES = 3000
KEPT = 0.5
WORTH_SPREAD = 1.5
"""Standard deviation of the logarithm of what a unit's removal costs."""

TOTAL_WORTH = 10.0
"""What removing everything costs: a CTC loss of a model that hears nothing."""

NOISE = 0.03
"""Deviation of a batch's gradient, times the root of a unit's worth: Fisher noise around a trained model."""

Control = Callable[[Tensor], tuple[Tensor, Callable[[], object]]]
"""Excess -> penalty, and what is done after the gates' step."""


missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Steer gates whose worth is known, and see how the size follows and what the choice costs."""
    torch.set_num_threads(1)
    rows = [
        {"control": control, "steps": steps, **_over_seeds(experiment, control, steps)}
        for control in experiment["controls"]
        for steps in experiment["steps"]
    ]
    write_result(name, experiment, {"rows": rows})


def _over_seeds(experiment: Mapping[str, Any], control: str, steps: int) -> dict[str, float]:
    options = experiment["controls"][control]
    found = [_simulate(options, experiment["openness"], steps, seed) for seed in experiment["seeds"]]
    return {key: median(run[key] for run in found) for key in found[0]}


def _simulate(options: Mapping[str, Any], openness: float, steps: int, seed: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    worth = torch.exp(WORTH_SPREAD * torch.randn(GATES, generator=generator, dtype=torch.float64))
    worth *= TOTAL_WORTH / worth.sum()
    group = Group(name="all", granularity="ffn_unit", module="all", units=GATES, slices=())
    parameters = GateParameters([group], openness=openness, learning_rate=options["gate_learning_rate"])
    curve = Cubic(start=0.0, end=options["warm_up"])
    control = CONTROLS[options["kind"]](options, parameters)
    lowest, size = 1.0, 1.0
    for step in range(1, steps + 1):
        drawn = parameters.draw(seed=seed, step=step)
        noise = NOISE * worth.sqrt() * torch.randn(GATES, generator=generator, dtype=torch.float64)
        expected = hard_concrete.openness(parameters.log_alpha).mean()
        excess = expected - (1 - curve.share(step / steps) * (1 - KEPT))
        penalty, ascend = control(excess)
        parameters.descend(drawn, -worth * (1 - drawn.detach()) + noise, penalty)
        ascend()
        size = float(expected.detach())
        lowest = min(lowest, size)
    kept = round(KEPT * GATES)
    lost = worth[parameters.log_alpha.detach().argsort()[: GATES - kept]].sum()
    return {
        "lowest_size": lowest,
        "last_size": size,
        "lost_over_best": float(lost / worth.sort().values[: GATES - kept].sum()),
    }


def _exact(options: Mapping[str, Any], parameters: GateParameters) -> Control:
    """Return the control of the method `l0`: all gates move by the one number at which the size is right."""

    def control(excess: Tensor) -> tuple[Tensor, Callable[[], object]]:
        now = float(1 - hard_concrete.openness(parameters.log_alpha).mean().detach())
        wanted = max(now + float(excess.detach()), options["least"])
        return 0.0 * excess, lambda: parameters.shift(lambda chances: 1 - chances["all"].mean(), wanted)

    return control


def _multipliers(options: Mapping[str, Any], parameters: GateParameters) -> Control:
    """Return the method of multipliers."""
    price = Lagrangian(penalty=options["penalty"], learning_rate=options["multiplier_learning_rate"])
    return lambda excess: (price(excess), lambda: price.ascend(float(excess.detach())))


def _adam(options: Mapping[str, Any], parameters: GateParameters) -> Control:
    """Return CoFi's control: lambda_1 e + lambda_2 e^2, both ascending by Adam from 0."""
    multipliers = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.AdamW(
        [multipliers], lr=options["multiplier_learning_rate"], weight_decay=0.0, maximize=True
    )

    def ascend() -> None:
        optimizer.step()
        optimizer.zero_grad()

    return lambda excess: (multipliers[0] * excess + multipliers[1] * excess**2, ascend)


CONTROLS: Mapping[str, Callable[[Mapping[str, Any], GateParameters], Control]] = {
    "exact": _exact,
    "multipliers": _multipliers,
    "adam": _adam,
}
