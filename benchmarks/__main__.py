"""Run the experiments whose results are missing: ``python -m benchmarks [NAME ...]``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks import (
    compare,
    end_to_end,
    family,
    gates,
    kernels,
    packed,
    scale,
    speed,
    step_cost,
    study,
    trained,
    zeros,
)

KINDS = {
    "compare": compare,
    "end_to_end": end_to_end,
    "family": family,
    "gates": gates,
    "kernels": kernels,
    "packed": packed,
    "scale": scale,
    "speed": speed,
    "step_cost": step_cost,
    "study": study,
    "trained": trained,
    "zeros": zeros,
}

EXPERIMENTS = Path(__file__).parent / "experiments"


def main(names: list[str]) -> None:
    """Run the named experiments, or all; what has a result is not run again."""
    for path in sorted(EXPERIMENTS.glob("*.yaml")):
        experiment = yaml.safe_load(path.read_text())
        if path.stem in names or (not names and experiment["kind"] != "trained"):
            run(path.stem, experiment)


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Run an experiment that has no result, after those that train the models it needs."""
    kind = KINDS[experiment["kind"]]
    if not kind.missing(name, experiment):
        return
    for needed in experiment.get("needs", ()):
        run(needed, yaml.safe_load((EXPERIMENTS / f"{needed}.yaml").read_text()))
    kind.run(name, experiment)


if __name__ == "__main__":
    main(sys.argv[1:])
