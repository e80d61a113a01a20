import pytest
import torch
from torch import nn

import tiny
from secateur.families import FAMILIES, Family, Hearing, family_of


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_listed_under_its_name_and_says_what_it_is(name: str) -> None:
    family = FAMILIES[name]
    assert isinstance(family, Family)
    assert family.name == name
    assert family.summary
    assert "\n" not in family.summary


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_does_not_match_just_anything(family: Family) -> None:
    assert not family.matches(nn.Linear(2, 2))


@pytest.mark.parametrize(("mel_frames", "rows"), [(1, 100), (2, 50), (0, 16_000)])
def test_a_second_of_speech_is_that_many_rows_of_input(mel_frames: int, rows: int) -> None:
    hearing = Hearing(
        ctc=nn.Module,
        mel_frames=mel_frames,
        normalized=True,
        masks_padding=bool,
        frames=lambda _, lengths: lengths,
    )
    assert hearing.per_second == rows


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_the_number_of_layers_is_written_where_the_model_and_its_file_read_it(make) -> None:
    model = make(layers=3)
    family = family_of(model)
    (place, *_) = [group.module for group in family.groups(model) if group.granularity == "layer"]
    family.set_layers(model, 2)
    encoder = model.get_submodule(place.rpartition(".")[0].rpartition(".")[0])
    assert getattr(model.config, "encoder_config", model.config).num_hidden_layers == 2
    assert encoder.config.num_hidden_layers == 2


@pytest.mark.parametrize("make", tiny.RECOGNIZERS.values(), ids=tiny.RECOGNIZERS)
def test_output_frames_are_what_the_model_gives(make) -> None:
    model = make()
    hearing = family_of(model).hearing
    shape, stride = ((tiny.MELS,), 1) if hearing.mel_frames else ((), tiny.SAMPLES_PER_FRAME)
    lengths = stride * torch.tensor([9, 20, 21, 33, 48])
    heard = [tiny.output(model, {model.main_input_name: torch.zeros(1, int(n), *shape)}).shape[1] for n in lengths]
    assert hearing.frames(model, lengths).tolist() == heard


PER_SECOND = {"parakeet": 100, "lasr": 100, "wav2vec2_bert": 50, "wav2vec2_conformer": 16_000}


@pytest.mark.parametrize("name", PER_SECOND)
def test_rows_of_input_per_second(name: str) -> None:
    assert FAMILIES[name].hearing.per_second == PER_SECOND[name]
