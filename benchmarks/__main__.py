"""Run the experiments whose results are missing: ``python -m benchmarks [NAME ...]``."""

import argparse
import sys
from pathlib import Path

import yaml

from benchmarks import (
    accelerated,
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
from benchmarks.together import Entry, one_by_one, together

KINDS = {
    "accelerated": accelerated,
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


def main() -> None:
    """Run the named experiments, or all; what has a result is not run again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings at once, each on one core")
    options = parser.parse_args()
    wanted = [entry for name in options.names or _usual() for entry in open_experiments(name)]
    wanted = list({entry[0]: entry for entry in wanted}.values())
    if options.jobs == 1:
        for entry in wanted:
            one_by_one(*entry)
    elif failed := together(wanted, workers=options.jobs):
        sys.exit(f"failed: {'; '.join(failed)}")


def open_experiments(name: str) -> list[Entry]:
    """Return an experiment that has no result, after those that train the models it needs; nothing if it has one."""
    experiment = yaml.safe_load((EXPERIMENTS / f"{name}.yaml").read_text())
    kind = KINDS[experiment["kind"]]
    if not kind.missing(name, experiment):
        return []
    needs = [*experiment.get("needs", ()), *experiment.get("needs_later", ())]
    needed = [entry for need in needs for entry in open_experiments(need)]
    return [*needed, (name, kind, experiment)]


def _usual() -> list[str]:
    """Return all experiments but the models that others start from, which are trained where they are needed."""
    kinds = {path.stem: yaml.safe_load(path.read_text())["kind"] for path in sorted(EXPERIMENTS.glob("*.yaml"))}
    return [name for name, kind in kinds.items() if kind != "trained"]


if __name__ == "__main__":
    main()
