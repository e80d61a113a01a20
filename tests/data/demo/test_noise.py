import numpy as np
import pytest
from numpy.random import default_rng

from secateur.data.demo import noise
from secateur.data.demo.noise import LEVEL, NOISES, PEAK, SILENCE, hum, level, mix, record, room, white
from secateur.data.demo.voices import SAMPLE_RATE
from secateur.errors import DataError

SECOND = SAMPLE_RATE
SEEDS = range(30)


def speechlike(seconds: float = 1.5) -> np.ndarray:
    """A 150 Hz buzz that comes and goes four times a second."""
    time = np.arange(round(seconds * SECOND)) / SECOND
    return (0.3 * np.sin(2 * np.pi * 150 * time) * np.sin(2 * np.pi * 2 * time) ** 2).astype(np.float32)


def octaves(signal: np.ndarray) -> np.ndarray:
    """Power in the octaves from 125 to 4,000 Hz."""
    power = np.abs(np.fft.rfft(signal)) ** 2
    hertz = np.fft.rfftfreq(len(signal), 1 / SECOND)
    return np.array([power[(hertz >= low) & (hertz < 2 * low)].sum() for low in (125, 250, 500, 1000, 2000)])


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("length", [1000, 16_384, 40_009])
def test_every_noise_has_power_one_and_the_length_asked_for(name: str, length: int):
    drawn = NOISES[name](length, default_rng(0))
    assert drawn.shape == (length,)
    assert np.mean(drawn**2) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NOISES)
def test_every_noise_is_a_function_of_its_generator(name: str):
    same = [NOISES[name](5000, default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], NOISES[name](5000, default_rng(4)))


def test_white_doubles_and_pink_keeps_its_power_per_octave():
    length = 10 * SECOND
    np.testing.assert_allclose(np.diff(np.log2(octaves(white(length, default_rng(0))))), 1, atol=0.15)
    np.testing.assert_allclose(np.diff(np.log2(octaves(noise.pink(length, default_rng(0))))), 0, atol=0.15)


def test_hum_lies_on_the_harmonics_of_the_mains():
    for seed in range(4):
        power = np.abs(np.fft.rfft(hum(SECOND, default_rng(seed)))) ** 2  # one bin per Hz
        shares = [power[mains : 12 * mains + 1 : mains].sum() / power.sum() for mains in (50, 60)]
        assert max(shares) > 0.9


def test_babble_comes_and_goes_where_pink_is_steady():
    def unsteadiness(signal: np.ndarray) -> float:
        loudness = (signal.reshape(-1, SECOND // 20) ** 2).mean(axis=1)  # every 50 ms
        return float(loudness.std() / loudness.mean())

    assert unsteadiness(noise.babble(10 * SECOND, default_rng(0))) > 1.2 * unsteadiness(
        noise.pink(10 * SECOND, default_rng(0))
    )


@pytest.mark.parametrize("snr", [-5.0, 0.0, 12.5, 30.0])
def test_the_mixture_has_the_ratio_asked_for(snr: float):
    speech = speechlike().astype(np.float64)
    added = mix(speech, 7 * white(len(speech), default_rng(1)), snr=snr) - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(added**2)) == pytest.approx(snr)


def test_a_room_keeps_the_click_and_answers_with_a_dying_echo():
    click = np.zeros(SECOND)
    click[1000] = 1.0
    for seed in range(5):
        heard = room(click, default_rng(seed))
        assert heard.shape == click.shape
        assert heard[1000] == pytest.approx(1.0)
        assert np.abs(heard[:1000]).max() < 1e-12  # nothing is heard before it sounds
        echo = heard[1001:]
        assert noise.REVERBERANT[0] - 0.01 <= 10 * np.log10((echo**2).sum()) <= noise.REVERBERANT[1] + 0.01
        last = round(noise.DECAY[1] * SECOND) + 100
        assert np.abs(echo[last:]).max() < 1e-12
        assert (echo[:1000] ** 2).sum() > 4 * (echo[1000:2000] ** 2).sum()


def test_a_level_is_reached_unless_a_sample_would_be_too_loud():
    quiet = level(speechlike().astype(np.float64), dbfs=-30.0)
    assert 10 * np.log10(np.mean(quiet**2)) == pytest.approx(-30.0)
    spike = np.zeros(SECOND)
    spike[10] = -0.01
    assert level(spike, dbfs=-20.0).min() == pytest.approx(-PEAK)


def test_recordings_never_clip_and_keep_to_the_levels_and_silences():
    speech = speechlike()
    for seed in SEEDS:
        heard = record(speech, default_rng(seed))
        assert heard.dtype == np.float32
        assert np.abs(heard).max() <= PEAK + 1e-6
        assert LEVEL[0] - 0.01 <= 10 * np.log10(np.mean(heard.astype(np.float64) ** 2)) <= LEVEL[1] + 0.01
        assert 2 * SILENCE[0] - 1e-3 <= (len(heard) - len(speech)) / SECOND <= 2 * SILENCE[1] + 1e-3
        assert np.all(heard[:1000] != 0)  # no exact silence


def test_speech_stands_out_of_its_recording():
    speech = speechlike()
    for seed in SEEDS:
        heard = record(speech, default_rng(seed))
        alike = np.fft.irfft(np.fft.rfft(heard, 65_536) * np.fft.rfft(speech, 65_536).conj()).max()
        assert alike > 0.5 * np.linalg.norm(heard) * np.linalg.norm(speech)


def test_a_recording_is_a_function_of_its_generator():
    same = [record(speechlike(), default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], record(speechlike(), default_rng(6)))


@pytest.mark.parametrize("samples", [0, 100])
def test_silence_cannot_be_recorded(samples: int):
    with pytest.raises(DataError, match=f"`speech` must have a sample that is not zero, but all {samples} are"):
        record(np.zeros(samples, np.float32), default_rng(0))
