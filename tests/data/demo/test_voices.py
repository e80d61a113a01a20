import hashlib
import itertools
import json
import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("espeakng_loader", reason="needs the extra `demo`")

from secateur.data.demo import voices
from secateur.data.demo.voices import SAMPLE_RATE, VOICES, Voice, speak
from secateur.errors import DataError, MissingExtraError, WorkError

TEXT = "set an alarm for seven thirty in the morning"
ALL = tuple(itertools.chain.from_iterable(VOICES.values()))
US1 = VOICES["train"][0]


@pytest.fixture(scope="module")
def spoken() -> dict[str, NDArray[np.float32]]:
    return {voice.name: speak(TEXT, voice) for voice in ALL}


def pitch(wave: NDArray[np.float32]) -> float:
    """Median fundamental frequency in Hz of the loud frames, by autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 1024)[::400]
    frames = frames[np.sqrt((frames**2).mean(axis=1)) > 0.02]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048)) ** 2)[:, :1024]
    shortest, longest = SAMPLE_RATE // 350, SAMPLE_RATE // 60
    best = shortest + correlation[:, shortest:longest].argmax(axis=1)
    voiced = correlation[np.arange(len(best)), best] > 0.5 * correlation[:, 0]
    return float(np.median(SAMPLE_RATE / best[voiced]))


def spectrum(wave: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power, and the frequencies in Hz it is at."""
    size = 1 << 17
    return np.abs(np.fft.rfft(wave, size)) ** 2, np.fft.rfftfreq(size, 1 / SAMPLE_RATE)


def timbre(wave: NDArray[np.float32]) -> NDArray[np.float64]:
    """Decibels in 24 bands from 200 Hz to 7 kHz, of mean 0."""
    power, hertz = spectrum(wave)
    edges = np.geomspace(200, 7000, 25)
    bands = [power[(hertz >= low) & (hertz < high)].sum() for low, high in itertools.pairwise(edges)]
    decibels = 10 * np.log10(bands)
    return decibels - decibels.mean()


def digest(wave: NDArray[np.float32]) -> str:
    return hashlib.sha256(wave.tobytes()).hexdigest()


def digest_of(text: str) -> str:
    return digest(speak(text, US1))


def test_names_are_unique_and_no_accent_with_its_tract_is_in_two_splits():
    assert len({voice.name for voice in ALL}) == len(ALL)
    assert len({(voice.accent, voice.tract) for voice in ALL}) == len(ALL)
    assert {split: len(members) for split, members in VOICES.items()} == {"train": 16, "valid": 4, "test": 6}


@pytest.mark.parametrize("split", ["valid", "test"])
def test_every_held_out_voice_speaks_an_accent_of_train_within_its_range(split: voices.Split):
    train = VOICES["train"]
    for voice in VOICES[split]:
        assert voice.accent in {other.accent for other in train}
        assert min(other.pitch[0] for other in train) <= voice.pitch[0]
        assert voice.pitch[1] <= max(other.pitch[1] for other in train)
        for formant in range(3):
            scales = [other.tract[formant] for other in train]
            assert min(scales) <= voice.tract[formant] <= max(scales)


def test_speech_is_mono_float32_far_from_silence_and_from_clipping(spoken: dict[str, NDArray[np.float32]]):
    for name, wave in spoken.items():
        assert (wave.dtype, wave.ndim) == (np.float32, 1), name
        assert 0.2 < np.abs(wave).max() < 0.8, name
        assert 0.03 < np.sqrt((wave**2).mean()) < 0.2, name


def test_every_voice_speaks_at_130_to_200_words_per_minute(spoken: dict[str, NDArray[np.float32]]):
    for name, wave in spoken.items():
        assert 130 < len(TEXT.split()) / (len(wave) / SAMPLE_RATE) * 60 < 200, name


def test_every_voice_has_the_pitch_it_was_given(spoken: dict[str, NDArray[np.float32]]):
    for voice in ALL:
        assert voice.pitch[0] < pitch(spoken[voice.name]) < voice.pitch[1], voice


def test_any_two_voices_sound_more_different_than_one_voice_at_two_speeds(spoken: dict[str, NDArray[np.float32]]):
    timbres = {name: timbre(wave) for name, wave in spoken.items()}
    for one, other in itertools.combinations(timbres, 2):
        assert np.sqrt(np.mean((timbres[one] - timbres[other]) ** 2)) > 0.5, (one, other)  # dB
    for voice in ALL:
        faster = timbre(speak(TEXT, replace(voice, rate=voice.rate + 10)))
        assert np.sqrt(np.mean((timbres[voice.name] - faster) ** 2)) < 0.5, voice


def test_a_shorter_tract_moves_the_spectrum_up_and_a_higher_rate_shortens_the_speech():
    def brightness(wave: NDArray[np.float32]) -> float:
        power, hertz = spectrum(wave)
        return float((power * hertz).sum() / power.sum())

    tracts = [brightness(speak(TEXT, replace(US1, tract=(scale,) * 3))) for scale in (90, 100, 110, 120)]
    assert tracts == sorted(tracts)
    assert tracts[-1] > 1.2 * tracts[0]
    slow, fast = (len(speak(TEXT, replace(US1, rate=rate))) for rate in (100, 150))
    assert 1.3 < slow / fast < 1.7


@pytest.mark.parametrize("voice", VOICES["test"], ids=lambda voice: voice.name)
def test_what_was_spoken_before_does_not_change_the_samples(voice: Voice):
    first = digest(speak(TEXT, voice))
    for text, other in (("call anna", VOICES["train"][3]), ("what is the weather in new york", VOICES["train"][8])):
        speak(text, other)
        assert digest(speak(TEXT, voice)) == first


def test_threads_take_turns():
    texts = ["play some jazz", "stop the pasta timer", "call my brother", "lock the front door"] * 5
    expected = [digest_of(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest_of, texts)) == expected


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_worker_speaks_the_same_samples():
    expected = digest_of(TEXT)  # the parent has started the library before it forks
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(digest_of, [TEXT] * 4) == [expected] * 4


def test_a_new_process_speaks_the_same_samples():
    # Stands in for the packages above, whose own imports (torch, transformers) take seconds.
    folders = {
        name: str(Path(voices.__file__).parents[up])
        for up, name in enumerate(("secateur.data.demo", "secateur.data", "secateur"))
    }
    script = f"""
import hashlib, sys, types
for name, folder in {json.dumps(folders)}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from secateur.data.demo.voices import VOICES, speak
print(hashlib.sha256(speak({TEXT!r}, VOICES["train"][0]).tobytes()).hexdigest())
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest_of(TEXT)


def test_contractions_and_plain_words_are_both_spoken():
    assert len(speak("what's on my calendar", US1)) > len(speak("what's", US1)) > 0.2 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("text", "voice", "fragment"),
    [
        ("", US1, "`text` must have words to speak, but is ''"),
        (" \n", US1, "`text` must have words to speak"),
        ("stop", replace(US1, accent="en-XX"), "`voice.accent` must be one of en, en-029, .* but is 'en-XX'"),
        ("stop", replace(US1, accent=""), "`voice.accent` must be one of"),
    ],
)
def test_requests_that_cannot_be_spoken_are_refused(text: str, voice: Voice, fragment: str):
    with pytest.raises(DataError, match=fragment):
        speak(text, voice)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    voices._library.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'secateur\[demo\]'"):
        speak("stop", US1)


def test_missing_data_is_an_error_and_the_next_call_speaks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    expected = digest_of("stop")
    (tmp_path / "lang" / "gmw").mkdir(parents=True)
    (tmp_path / "lang" / "gmw" / US1.accent).write_text("name English\nlanguage en-us\n")
    library, _ = voices._library()
    with monkeypatch.context() as patch:
        patch.setattr(voices, "_library", lambda: (library, tmp_path))
        with pytest.raises(WorkError, match=r"eSpeak NG could not read its data in .*: No such file or directory; try"):
            speak("stop", US1)
    assert digest_of("stop") == expected


def test_a_library_that_does_not_load_is_an_error(monkeypatch: pytest.MonkeyPatch):
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/libespeak-ng.so")
    voices._library.cache_clear()
    with pytest.raises(WorkError, match=r"library does not load .*reinstall `espeakng-loader`"):
        speak("stop", US1)
