"""Run the experiments whose results are missing: ``python -m benchmarks [NAME ...]``."""

import sys
from pathlib import Path

import yaml

from benchmarks import compare, gates, scale, speed, step_cost

KINDS = {"compare": compare, "gates": gates, "scale": scale, "speed": speed, "step_cost": step_cost}

EXPERIMENTS = Path(__file__).parent / "experiments"


def main(names: list[str]) -> None:
    """Run the named experiments, or all; what has a result is not run again."""
    for path in sorted(EXPERIMENTS.glob("*.yaml")):
        if not names or path.stem in names:
            experiment = yaml.safe_load(path.read_text())
            kind = KINDS[experiment["kind"]]
            if kind.missing(path.stem, experiment):
                kind.run(path.stem, experiment)


if __name__ == "__main__":
    main(sys.argv[1:])
