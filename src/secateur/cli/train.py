"""``secateur train``: a dense model, from scratch or from a checkpoint."""

from secateur.cli.command_line import command_line
from secateur.cli.common import Out, Overrides, Overwrite, RecipeArgument, Resume
from secateur.cli.console import console
from secateur.recipes import load

EXAMPLES = """Examples:

secateur train train-an4-digits --out runs/dense

secateur train train-an4-digits train.num_train_epochs=90 --out runs/longer

secateur train mine.yaml model=runs/dense/model --out runs/tuned"""


def train(
    recipe: RecipeArgument, out: Out, overrides: Overrides = None, resume: Resume = False, overwrite: Overwrite = False
) -> None:
    """Train a dense model, from scratch or from a checkpoint."""
    resolved = load(recipe, overrides or [], verb="train")
    from secateur.jobs.train import train as run
    from secateur.report import table

    report = run(resolved, out, resume=resume, overwrite=overwrite, command=command_line())

    console().print(table(report))
