"""``secateur prune``: the main job."""

import sys

from secateur.cli.command_line import command_line
from secateur.cli.common import Out, Overrides, Overwrite, RecipeArgument, Resume
from secateur.cli.console import console
from secateur.recipes import load

EXAMPLES = """Examples:

secateur prune prune-half model=runs/dense/model --out runs/half

secateur prune prune-half target.params=0.3 criterion=magnitude --out runs/third

secateur prune one-shot-magnitude model=runs/dense/model --out runs/quick

secateur prune prune-half target=null "targets=[0.8, 0.6, 0.4]" --out runs/family"""


def prune(
    recipe: RecipeArgument, out: Out, overrides: Overrides = None, resume: Resume = False, overwrite: Overwrite = False
) -> None:
    """Prune a model to an exact size, or to several from one run, and measure what it cost."""
    resolved = load(recipe, overrides or [], verb="prune")
    from secateur.jobs.prune import prune as run
    from secateur.report import overview, table

    report = run(resolved, out, resume=resume, overwrite=overwrite, command=command_line())
    if resolved.targets is None:
        console().print(table(report))
        models = [out / "model"]
    else:
        folders = [out / "sizes" / size.name for size in resolved.sizes]
        console().print(overview(folders))
        models = [folder / "model" for folder in folders]
    print(f"page: {out / 'report.html'}", *(f"model: {model}" for model in models), sep="\n", file=sys.stderr)
