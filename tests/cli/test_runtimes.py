from typing import Any

from secateur.cli.console import console
from secateur.cli.runtimes import layers_table, whole_table


def row(runtime: str, weights: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"runtime": runtime, "weights": weights, "threads": 1, "median_s": seconds, "p90_s": 2 * seconds,
            "of_ceiling": 0.25, **more}  # fmt: skip


def against(**times: float) -> dict[str, Any]:
    return {"times": {name.replace("_", " "): {"median": value} for name, value in times.items()}}


FOUND = {
    "read_bytes_per_second": {"1": 12.5e9},
    "layers": [
        row("torch", "fp32", 8e-5, outputs=64, inputs=32, layers=3, tokens=1, **against(sparse_int8=0.25)),
        row("sparse", "int8", 2e-5, outputs=64, inputs=32, layers=3, tokens=1, **against(torch_fp32=4.0)),
    ],
    "whole": [
        row("torch", "fp32", 0.8, audio_seconds=4.0, rtf=0.2, **against(sparse_int8=0.25)),
        row("sparse", "int8", 0.2, audio_seconds=4.0, rtf=0.05, **against(torch_fp32=4.0)),
    ],
}


def lines(table: Any, capsys: Any) -> list[str]:
    console().print(table)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_layers_line_has_its_time_and_ratios(capsys: Any) -> None:
    head, dense, sparse, *_ = lines(layers_table(FOUND), capsys)
    assert head == "layers threads tokens form per layer of memory x torch fp32"
    assert dense == "3 of 64 x 32 1 1 torch fp32 80 us 25% 1"
    assert sparse == "sparse int8 20 us 25% 4.00"


def test_a_whole_models_line_has_its_speed_and_the_table_that_of_memory(capsys: Any) -> None:
    head, dense, sparse, caption = lines(whole_table(FOUND), capsys)
    assert head == "whole model threads form median p90 speed of memory x torch fp32"
    assert dense == "4 s of audio 1 torch fp32 800.0 ms 1600.0 ms RTF 0.2000 25% 1"
    assert sparse == "sparse int8 200.0 ms 400.0 ms RTF 0.0500 25% 4.00"
    assert caption.startswith("memory is read at 12.5 GB/s on 1 thread(s)")
