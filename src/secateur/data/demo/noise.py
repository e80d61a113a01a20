"""Between the mouth and the file: a room, a noise, a microphone's gain.

Speech from a synthesizer is too clean: a recognizer trained on it alone learns exact zeros. Everything here is drawn
from a ``numpy.random.Generator``, so the same generator gives the same samples.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from secateur.data.demo.voices import SAMPLE_RATE
from secateur.errors import DataError

Signal = NDArray[np.float64]

SILENCE = (0.1, 0.3)  # seconds, before and after the speech
SNR = (10.0, 30.0)  # dB, the power of the speech over the power of the noise
LEVEL = (-32.0, -20.0)  # dB below full scale, of the whole recording: a far and a near microphone
PEAK = 0.9  # no sample is louder, so nothing clips
ROOM_SHARE = 0.5  # of the utterances
DECAY = (0.12, 0.35)  # seconds until a room's echo has fallen by 60 dB: from a car to a living room
REVERBERANT = (-12.0, -3.0)  # dB, the power of the echo over the power of the direct sound

_FIRST_ECHO = 0.002  # seconds: a wall 35 cm away
_TALKERS = 6  # fewer are words, more are pink noise
_SYLLABLES = 4.0  # per second
_MAINS = (50.0, 60.0)  # Hz
_HARMONICS = 12


def white(length: int, rng: Generator) -> Signal:
    """The same power at every frequency: an amplifier's hiss. Like all noises, of power 1."""
    return _unit(rng.standard_normal(length))


def pink(length: int, rng: Generator) -> Signal:
    """Power falling with 1 / frequency: wind, traffic, a fan."""
    size = _power_of_two(length)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return _unit(np.fft.irfft(spectrum, size)[:length])


def babble(length: int, rng: Generator) -> Signal:
    """Several pink noises, each loud and soft at the pace of syllables: people next door."""
    seconds = np.arange(length) / SAMPLE_RATE
    talkers = (
        pink(length, rng) * (1 + np.sin(2 * np.pi * (pace * seconds + rng.random()))) ** 2
        for pace in _SYLLABLES * rng.uniform(0.7, 1.3, _TALKERS)
    )
    return _unit(np.sum(list(talkers), axis=0))


def hum(length: int, rng: Generator) -> Signal:
    """The mains and its harmonics, over a little hiss: a refrigerator."""
    cycles = rng.choice(_MAINS) * np.arange(length) / SAMPLE_RATE
    tones = (np.sin(2 * np.pi * (n * cycles + rng.random())) / n for n in range(1, _HARMONICS + 1))
    return _unit(np.sum(list(tones), axis=0) + 0.1 * white(length, rng))


NOISES: Mapping[str, Callable[[int, Generator], Signal]] = {"white": white, "pink": pink, "babble": babble, "hum": hum}


def mix(speech: Signal, noise: Signal, *, snr: float) -> Signal:
    """Add `noise`, scaled so that the power of `speech` is `snr` dB over it.

    >>> mix(np.array([1.0, -1.0]), np.array([5.0, 5.0]), snr=0.0)
    array([2., 0.])
    """
    return speech + noise * (_rms(speech) / _rms(noise) * _gain(-snr))


def room(speech: Signal, rng: Generator) -> Signal:
    """Add a room's echo: noise that dies out exponentially, convolved with the speech; of the same length.

    Source: Polack's statistical model of late reverberation (1988).
    Differs: no early reflections.
    """
    decay, echo_level = rng.uniform(*DECAY), rng.uniform(*REVERBERANT)
    first, length = round(_FIRST_ECHO * SAMPLE_RATE), round(decay * SAMPLE_RATE)
    echo = rng.standard_normal(length) * np.logspace(0, -3, length)  # -3 decades are the 60 dB
    response = np.concatenate([np.ones(1), np.zeros(first), echo * (_gain(echo_level) / np.linalg.norm(echo))])
    size = _power_of_two(len(speech) + len(response) - 1)
    return np.fft.irfft(np.fft.rfft(speech, size) * np.fft.rfft(response, size), size)[: len(speech)]


def level(recording: Signal, *, dbfs: float) -> Signal:
    """Scale to a power of `dbfs` dB below full scale, or less where a sample would pass `PEAK`.

    >>> level(np.array([0.5, -0.5]), dbfs=-20.0)
    array([ 0.1, -0.1])
    >>> level(np.array([0.5, -0.5]), dbfs=0.0)
    array([ 0.9, -0.9])
    """
    return recording * min(_gain(dbfs) / _rms(recording), PEAK / float(np.abs(recording).max()))


def record(speech: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Speech as a microphone might hear it: silence around it, a room or none, one noise, a level.

    Raises:
        DataError: the speech is silent, so no noise can be measured against it.
    """
    if not np.any(speech):
        raise DataError(f"`speech` must have a sample that is not zero, but all {len(speech)} are")
    before, after = (round(seconds * SAMPLE_RATE) for seconds in rng.uniform(*SILENCE, 2))
    padded = np.pad(speech.astype(np.float64), (before, after))
    heard = room(padded, rng) if rng.random() < ROOM_SHARE else padded
    noise = NOISES[str(rng.choice(list(NOISES)))](len(heard), rng)
    noisy = mix(heard, noise, snr=rng.uniform(*SNR))
    return level(noisy, dbfs=rng.uniform(*LEVEL)).astype(np.float32)


def _power_of_two(length: int) -> int:
    """The next one up: Fourier transforms of a length with large prime factors take five times as long."""
    return 1 << (length - 1).bit_length()


def _gain(db: float) -> float:
    return 10 ** (db / 20)


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(signal**2)))


def _unit(signal: Signal) -> Signal:
    return signal / _rms(signal)
