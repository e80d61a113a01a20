"""Peak resident memory of loading a model folder and running it once, in a process of its own.

The figure includes the interpreter, torch and transformers: what a machine must have, not what the weights weigh.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from secateur.errors import ModelError, RequestError, WorkError
from secateur.evaluation.inputs import dummy_inputs

PROC_STATUS = Path("/proc/self/status")

# Not `-m`: this module is already imported by its package then, and runpy warns. Importing it imports `secateur`
# first, which is what makes pruned folders load.
CHILD = "from secateur.evaluation.memory import main; main()"


def peak_rss_bytes(folder: str | Path, *, length: float, threads: int = 1) -> int:
    """Bytes resident at the peak of a fresh process that loads `folder` and runs one forward over an input of `length`.

    That is in seconds of audio, or in tokens for a model that reads text.

    Raises:
        RequestError: when `threads` is below 1 or `length` not above 0.
        ModelError: when `folder` is not a model folder.
        WorkError: when the process fails, with its last words.
    """
    if threads < 1 or length <= 0:
        raise RequestError(f"`threads` must be at least 1 and `length` above 0, but are {threads} and {length}")
    if not (Path(folder) / "config.json").is_file():
        raise ModelError(f"`{folder}` must be a model folder, but holds no config.json; save the model there first")
    command = [sys.executable, "-c", CHILD, str(folder), "--length", str(length), "--threads", str(threads)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        raise WorkError(f"the memory of `{folder}` could not be measured: {_last_words(child)}")
    return int(child.stdout.split()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """The child: loads, runs once, prints its peak in bytes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder")
    parser.add_argument("--length", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        _run(options.folder, length=options.length)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    print(_peak())


def _run(folder: str, *, length: float) -> None:
    model = _load(folder)
    with torch.inference_mode():
        model(**dummy_inputs(model, length=length))


def _load(folder: str) -> transformers.PreTrainedModel:
    names = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False).architectures or []
    known = [name for name in names if hasattr(transformers, name)]
    if not known:
        raise ModelError(f"`architectures` in config.json must name a class of transformers, but is {names}")
    return getattr(transformers, known[0]).from_pretrained(folder).eval()


def _peak() -> int:
    # On Linux ru_maxrss survives exec: a child reports at least its parent's peak. VmHWM starts anew.
    if PROC_STATUS.exists():
        fields = dict(line.split(":", 1) for line in PROC_STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    import resource  # absent on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _last_words(child: subprocess.CompletedProcess[str]) -> str:
    if child.returncode < 0:
        return f"its process was ended by signal {-child.returncode} (9 is usually the machine running out of memory)"
    lines = child.stderr.strip().splitlines()
    return lines[-1] if lines else f"its process ended with status {child.returncode} and said nothing"
