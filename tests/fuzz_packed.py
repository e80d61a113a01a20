"""Damaged and hostile packed files: ``python tests/fuzz_packed.py 100000`` reads so many, each in a sentence or whole.

Five thousand at a time are read in a process of their own: a crash, an endless loop or an allocation beyond bounds ends
it, and is reported with the seed that repeats it.
"""

import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from secateur.checkpoint.packed import PackedWeight, pack, read_packed, write_packed
from secateur.errors import ModelError
from sparse_weights import sparse

CHUNK = 5000
SECONDS = 300
SPARE = 2 << 30
"""Bytes of address space that reading may take beyond what the process has."""

WEIGHTS = {
    "bits.weight": ("I8", sparse((33, 70), 0.7)),
    "tiles.weight": ("I8", sparse((40, 64), 0.7, tile=(16, 4))),
    "columns.weight": ("BF16", sparse((48, 64), 0.7, tile=(16, 1))),
    "floats.weight": ("F32", sparse((20, 30), 0.7)),
    "rows.weight": ("I8", sparse((20, 30), 0.0)),
}
INTERESTING = (0, 1, 63, 64, 255, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def original(path: Path, *, compress: bool) -> bytes:
    """Write a small packed file with every encoding; return its bytes."""
    tried = {name: pack(weight, outputs=0, dtype=dtype) for name, (dtype, weight) in WEIGHTS.items()}
    weights: dict[str, PackedWeight] = {name: packed for name, packed in tried.items() if packed is not None}
    write_packed(path, weights, {"bias": torch.arange(5.0)}, compress=compress)
    return path.read_bytes()


def flip_a_bit(data: bytearray, at: int, draw: random.Random) -> None:
    data[at] ^= 1 << draw.randrange(8)


def write_a_byte(data: bytearray, at: int, draw: random.Random) -> None:
    data[at] = draw.randrange(256)


def write_a_number(data: bytearray, at: int, draw: random.Random) -> None:
    """Write an integer of 8 bytes where one may lie."""
    at -= at % 8
    data[at : at + 8] = draw.choice(INTERESTING).to_bytes(8, "little")[: len(data) - at]


def change_a_digit(data: bytearray, at: int, draw: random.Random) -> None:
    """Change a digit of the header from there on: a length, a place, a shape."""
    place = next((i for i in range(at, len(data)) if chr(data[i]).isdigit()), at)
    data[place] = ord(draw.choice("0123456789"))


def copy_a_piece(data: bytearray, at: int, draw: random.Random) -> None:
    """Copy a piece of the file over another."""
    start, length = draw.randrange(len(data)), draw.randrange(1, 200)
    data[at : at + length] = data[start : start + length]


def cut(data: bytearray, at: int, draw: random.Random) -> None:
    del data[at:]


def insert(data: bytearray, at: int, draw: random.Random) -> None:
    data[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 9)))


CHANGES: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    *(flip_a_bit, write_a_byte, write_a_number, change_a_digit, copy_a_piece, cut, insert),
)


def mutate(data: bytes, draw: random.Random) -> bytes:
    """Change a file in one to four places, half of them in the header."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        header = int.from_bytes(data[:8], "little") + 8
        within = min(header if draw.random() < 0.5 else len(data), len(changed))
        if within:
            draw.choice(CHANGES)(changed, draw.randrange(within), draw)
    return bytes(changed)


def read(path: Path) -> str:
    """Read a file as loading it would; return what came of it."""
    try:
        weights = read_packed(path).weights
    except ModelError:
        return "refused"
    for name, weight in weights.items():
        if name in WEIGHTS and weight.layout.shape == tuple(WEIGHTS[name][1].shape):  # loading compares them first
            weight.values()
    return "read"


def fuzz(first: int, count: int, folder: Path) -> Counter[str]:
    """Read so many mutations, from a seed on."""
    path = folder / "packed.safetensors"
    sound = [original(path, compress=compress) for compress in (False, True)]
    found: Counter[str] = Counter()
    for seed in range(first, first + count):
        draw = random.Random(seed)
        path.write_bytes(mutate(draw.choice(sound), draw))
        print(seed, file=sys.stderr)
        found[read(path)] += 1
    return found


def _child(first: int, count: int) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + SPARE, held + SPARE))
        print(" ".join(f"{name}={number}" for name, number in fuzz(first, count, Path(folder)).items()))


def main(mutations: int) -> int:
    """Read so many mutations in processes of their own; return how many processes failed."""
    found: Counter[str] = Counter()
    failed = 0
    for first in range(0, mutations, CHUNK):
        command = [sys.executable, __file__, "--child", str(first), str(min(CHUNK, mutations - first))]
        try:
            child = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            failed += 1
            print(f"from seed {first}: no end after {SECONDS} seconds")
            continue
        if child.returncode:
            failed += 1
            print(f"from seed {first}: exit {child.returncode}\n" + "\n".join(child.stderr.splitlines()[-20:]))
        for part in child.stdout.split():
            name, number = part.split("=")
            found[name] += int(number)
    total = sum(found.values())
    read_whole, refused = found["read"], found["refused"]
    print(f"{total} damaged files: {refused} refused in a sentence, {read_whole} read whole, {failed} failures")
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        _child(int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(1 if main(int(sys.argv[1])) else 0)
