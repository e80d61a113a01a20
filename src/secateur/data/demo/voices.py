"""eSpeak NG as a pure function: the same text and voice give the same samples, whatever was spoken before.

Out of the box eSpeak NG carries state from one utterance to the next (the flutter of its pitch, the roughness of its
voicing), so its samples depend on all that the process has spoken. Each `Voice` here is therefore written out as a
voice file of its own, with both switched off, and the library starts afresh for every utterance (0.1 ms).
"""

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Literal, final

import numpy as np
import soxr
from numpy.typing import NDArray

from secateur.errors import DataError, MissingExtraError, WorkError

Split = Literal["train", "valid", "test"]

SAMPLE_RATE = 16_000
"""Samples per second of everything in the demo corpus."""

_ESPEAK_RATE = 22_050  # eSpeak NG's own, whatever the voice
_LANGUAGES = "lang/gmw"  # where its data keep the West Germanic languages, English among them

# Constants of eSpeak NG's espeak_ng.h and speak_lib.h. The calls are espeak_ng.h's where it has them: they say what
# went wrong, where speak_lib.h's end the process, or carry on until they crash.
_SYNCHRONOUS = 1  # synthesis calls back in this thread and plays nothing
_UTF8 = 1
_RATE, _VOLUME = 1, 2

_HALF_VOLUME = 50  # at the full 100 the loudest vowels meet eSpeak NG's own limiter, which distorts them
_LONGEST_MESSAGE = 512  # eSpeak NG's own bound
_FORMANTS_SCALED = 5  # above the fifth the energy is too low to tell voices apart

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_ONE_AT_A_TIME = Lock()  # the library keeps its state in globals


@final
@dataclass(frozen=True, kw_only=True)
class Voice:
    """Who speaks: an accent of English, a larynx, a vocal tract and a speed."""

    name: str
    """The manifest's ``speaker``."""

    accent: str
    """A file of eSpeak NG's data below ``lang/gmw``: "en-US", "en-GB-scotland" ..."""

    pitch: tuple[int, int]
    """The lowest and the highest fundamental frequency of a sentence, in Hz."""

    tract: tuple[int, int, int]
    """The first, the second and all higher formants, in per cent of eSpeak NG's own: over 100 is a short tract."""

    rate: int
    """eSpeak NG's words per minute. Its words are long ones: commands come out about 1.4 times as fast."""


VOICES: Mapping[Split, tuple[Voice, ...]] = {
    "train": (
        Voice(name="us1", accent="en-US", pitch=(80, 118), tract=(100, 100, 100), rate=125),
        Voice(name="us2", accent="en-US", pitch=(150, 230), tract=(114, 112, 114), rate=130),
        Voice(name="us3", accent="en-US", pitch=(68, 102), tract=(94, 95, 93), rate=115),
        Voice(name="us4", accent="en-US", pitch=(170, 255), tract=(118, 118, 120), rate=135),
        Voice(name="gb1", accent="en", pitch=(85, 130), tract=(97, 100, 98), rate=125),
        Voice(name="gb2", accent="en", pitch=(140, 215), tract=(110, 113, 110), rate=135),
        Voice(name="gb3", accent="en", pitch=(105, 165), tract=(104, 102, 105), rate=115),
        Voice(name="rp1", accent="en-GB-x-rp", pitch=(75, 112), tract=(96, 93, 97), rate=120),
        Voice(name="rp2", accent="en-GB-x-rp", pitch=(160, 245), tract=(116, 112, 117), rate=130),
        Voice(name="sc1", accent="en-GB-scotland", pitch=(90, 135), tract=(100, 97, 101), rate=125),
        Voice(name="sc2", accent="en-GB-scotland", pitch=(145, 225), tract=(111, 115, 112), rate=120),
        Voice(name="cb1", accent="en-029", pitch=(80, 125), tract=(95, 98, 95), rate=120),
        Voice(name="cb2", accent="en-029", pitch=(155, 235), tract=(113, 110, 115), rate=125),
        Voice(name="ny1", accent="en-US-nyc", pitch=(74, 115), tract=(98, 102, 99), rate=135),
        Voice(name="ny2", accent="en-US-nyc", pitch=(130, 200), tract=(108, 108, 109), rate=125),
        Voice(name="la1", accent="en-GB-x-gbclan", pitch=(95, 145), tract=(101, 104, 102), rate=120),
    ),
    "valid": (
        Voice(name="us5", accent="en-US", pitch=(98, 146), tract=(103, 99, 102), rate=122),
        Voice(name="gb4", accent="en", pitch=(165, 250), tract=(117, 115, 116), rate=128),
        Voice(name="rp3", accent="en-GB-x-rp", pitch=(88, 132), tract=(99, 97, 101), rate=132),
        Voice(name="sc3", accent="en-GB-scotland", pitch=(72, 108), tract=(95, 99, 97), rate=118),
    ),
    "test": (
        Voice(name="us6", accent="en-US", pitch=(74, 110), tract=(97, 97, 99), rate=130),
        Voice(name="us7", accent="en-US", pitch=(138, 212), tract=(111, 109, 112), rate=122),
        Voice(name="gb5", accent="en", pitch=(78, 118), tract=(100, 96, 96), rate=132),
        Voice(name="cb3", accent="en-029", pitch=(102, 155), tract=(104, 101, 106), rate=120),
        Voice(name="ny3", accent="en-US-nyc", pitch=(162, 245), tract=(116, 114, 118), rate=128),
        Voice(name="la2", accent="en-GB-x-gbclan", pitch=(148, 228), tract=(112, 115, 113), rate=125),
    ),
}
"""Split -> its speakers. No speaker is in two splits; every accent of a held-out speaker has one in train."""


def speak(text: str, voice: Voice) -> NDArray[np.float32]:
    """Speak `text`; mono samples in [-1, 1] at `SAMPLE_RATE`, about 2 ms of work per second of speech.

    Calls from several threads take turns. The library's state never leaves the call, so forked and spawned workers
    speak the same samples.

    Raises:
        DataError: there is nothing to speak, or the accent does not exist.
        MissingExtraError: the extra ``demo`` is not installed.
        WorkError: eSpeak NG fails.
    """
    if not text.strip():
        raise DataError(f"`text` must have words to speak, but is {text!r}")
    with _ONE_AT_A_TIME, TemporaryDirectory(prefix="secateur-voice-") as folder:
        library, data = _library()
        voice_file = Path(folder, "voice")
        voice_file.write_text(_voice_file(voice, data=data), encoding="utf-8")
        pcm = _synthesize(library, text, data=data, voice_file=voice_file, rate=voice.rate)
    wave = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32_768
    return np.asarray(soxr.resample(wave, _ESPEAK_RATE, SAMPLE_RATE), dtype=np.float32)


def _voice_file(voice: Voice, *, data: Path) -> str:
    """eSpeak NG's file for the accent, and after it the lines that make it this voice: the last line wins."""
    accent = data / _LANGUAGES / voice.accent
    if not accent.is_file():
        known = ", ".join(sorted(path.name for path in accent.parent.glob("en*")))
        raise DataError(f"`voice.accent` must be one of {known}, but is {voice.accent!r}")
    first, second, higher = voice.tract
    scales = (first, second, *[higher] * (_FORMANTS_SCALED - 2))
    lines = (
        accent.read_text(encoding="utf-8"),
        f"pitch {voice.pitch[0]} {voice.pitch[1]}",
        *(f"formant {number} {scale} 100 100" for number, scale in enumerate(scales, start=1)),
        "flutter 0",  # the two lines that make speech a function of the text
        "roughness 0",
    )
    return "\n".join(lines) + "\n"


def _synthesize(library: ctypes.CDLL, text: str, *, data: Path, voice_file: Path, rate: int) -> bytes:
    """One utterance as 16-bit samples at `_ESPEAK_RATE`."""
    chunks: list[bytes] = []

    def keep(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, count * ctypes.sizeof(ctypes.c_int16)))
        return 0  # go on

    callback = _Callback(keep)  # this name holds it alive while the library may call it
    spoken = text.encode() + b"\0"
    check = partial(_check, library)
    library.espeak_ng_InitializePath(os.fsencode(data))
    check(library.espeak_ng_Initialize(None), f"read its data in {data} (no path may be over 150 characters)")
    try:
        check(library.espeak_ng_InitializeOutput(_SYNCHRONOUS, 0, None), "start")
        library.espeak_SetSynthCallback(callback)
        check(library.espeak_ng_SetVoiceByFile(os.fsencode(voice_file)), "load a voice")
        check(library.espeak_ng_SetParameter(_RATE, rate, 0), "set the rate")
        check(library.espeak_ng_SetParameter(_VOLUME, _HALF_VOLUME, 0), "set the volume")
        check(library.espeak_ng_Synthesize(spoken, len(spoken), 0, 0, 0, _UTF8, None, None), "speak")
    finally:
        library.espeak_ng_Terminate()
        library.espeak_SetSynthCallback(_Callback())  # a null pointer: the closure above ends with this call
    if not chunks:
        raise WorkError(f"eSpeak NG spoke nothing for {text!r}")
    return b"".join(chunks)


def _check(library: ctypes.CDLL, status: int, doing: str) -> None:
    if status != 0:
        message = ctypes.create_string_buffer(_LONGEST_MESSAGE)
        library.espeak_ng_GetStatusCodeMessage(status, message, len(message))
        raise WorkError(f"eSpeak NG could not {doing}: {message.value.decode()}; try reinstalling `espeakng-loader`")


@cache
def _library() -> tuple[ctypes.CDLL, Path]:
    """The shared library with its argument types declared, and the folder of its data."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingExtraError("espeakng_loader", extra="demo", purpose="the demo speaks its corpus") from error
    path = espeakng_loader.get_library_path()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise WorkError(f"eSpeak NG's library does not load ({error}); reinstall `espeakng-loader`") from error
    integer, unsigned, size = ctypes.c_int, ctypes.c_uint, ctypes.c_size_t
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    library.espeak_ng_InitializePath.argtypes = [text]
    library.espeak_ng_Initialize.argtypes = [pointer]
    library.espeak_ng_InitializeOutput.argtypes = [integer, integer, text]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_ng_SetVoiceByFile.argtypes = [text]
    library.espeak_ng_SetParameter.argtypes = [integer, integer, integer]
    library.espeak_ng_Synthesize.argtypes = [text, size, unsigned, integer, unsigned, unsigned, pointer, pointer]
    library.espeak_ng_GetStatusCodeMessage.argtypes = [integer, text, size]
    return library, Path(espeakng_loader.get_data_path())
