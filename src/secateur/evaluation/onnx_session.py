"""A graph in ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

OPTIONS: Final = {"session.force_spinning_stop": "1"}
"""Threads stop waiting for work when a run is over: else they take the processor from whatever is timed next."""


@final
class OnnxSession:
    """Runs a graph on the CPU with so many threads."""

    def __init__(self, path: Path, *, threads: int) -> None:
        import onnxruntime  # needs an extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        for key, value in OPTIONS.items():
            options.add_session_config_entry(key, value)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(one.name for one in self._session.get_inputs())

    def feed(self, inputs: Mapping[str, Tensor]) -> dict[str, npt.NDArray[Any]]:
        """Return what the graph takes of a model's inputs."""
        return {name: np.ascontiguousarray(inputs[name].numpy()) for name in self.inputs}

    def __call__(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
        """Return all outputs."""
        return list(self._session.run(None, dict(feed)))
