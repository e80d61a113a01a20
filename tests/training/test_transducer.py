import math
from itertools import combinations

import pytest
import torch
from torch import Tensor

import tiny
from secateur.families import is_transducer
from secateur.training.transducer import give_loss, rnnt_loss


def enumerated(log_probs: Tensor, labels: list[int], blank: int) -> float:
    """Sum over all alignments, one by one: which of the first T + U - 1 moves write a label."""
    frames, moves = log_probs.shape[0], log_probs.shape[0] + len(labels) - 1
    total = torch.tensor(0.0, dtype=torch.float64)
    for writes in combinations(range(moves), len(labels)):
        t, u, path = 0, 0, torch.tensor(0.0, dtype=torch.float64)
        for move in range(moves):
            token = labels[u] if move in writes else blank
            path = path + log_probs[t, u, token]
            t, u = (t, u + 1) if move in writes else (t + 1, u)
        assert (t, u) == (frames - 1, len(labels))
        total = total + (path + log_probs[t, u, blank]).exp()
    return -float(total.log())


@pytest.mark.parametrize(("frames", "labels"), [(1, [2]), (1, [1, 2, 1]), (4, []), (5, [3, 3]), (4, [1, 2, 3])])
def test_it_is_the_sum_over_all_alignments(frames: int, labels: list[int]) -> None:
    generator = torch.Generator().manual_seed(len(labels))
    logits = 3 * torch.randn(1, frames, len(labels) + 1, 4, generator=generator, dtype=torch.float64)
    found = rnnt_loss(
        logits=logits, labels=torch.tensor([labels], dtype=torch.long), blank_token_id=0, reduction="sum",
        logit_lengths=torch.tensor([frames]), label_lengths=torch.tensor([len(labels)]),
    )  # fmt: skip
    assert float(found) == pytest.approx(enumerated(logits[0].log_softmax(-1), labels, 0), rel=1e-5)


def batch(*, frames: int, tokens: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "logits": torch.randn(1, frames, tokens + 1, 5, generator=generator, dtype=torch.float64),
        "labels": torch.randint(1, 5, (1, tokens), generator=generator),
        "logit_lengths": torch.tensor([frames]),
        "label_lengths": torch.tensor([tokens]),
    }


def test_padding_changes_nothing_and_gets_no_gradient() -> None:
    short, long = batch(frames=3, tokens=2, seed=0), batch(frames=6, tokens=4, seed=1)
    alone = [rnnt_loss(**one, blank_token_id=0, reduction="none") for one in (short, long)]
    logits = torch.full((2, 6, 5, 5), 7.0, dtype=torch.float64)
    logits[0, :3, :3], logits[1] = short["logits"][0], long["logits"][0]
    labels = torch.zeros(2, 4, dtype=torch.long)
    labels[0, :2], labels[1] = short["labels"][0], long["labels"][0]
    lengths = {name: torch.cat([short[name], long[name]]) for name in ("logit_lengths", "label_lengths")}
    logits.requires_grad_()
    together = rnnt_loss(logits=logits, labels=labels, blank_token_id=0, reduction="none", **lengths)
    assert together.tolist() == pytest.approx([float(one) for one in alone], rel=1e-6)
    mean = rnnt_loss(logits=logits, labels=labels, blank_token_id=0, **lengths)
    assert mean.item() == pytest.approx(together.sum().item() / 6, rel=1e-6)
    mean.backward()
    assert logits.grad is not None
    assert logits.grad[0, 3:].abs().sum() == 0 == logits.grad[0, :, 3:].abs().sum()
    assert (logits.grad[1].abs().sum(-1) > 0).sum() == 6 * 5


def test_long_unlikely_speech_is_a_number() -> None:
    frames, tokens = 400, 120
    logits = torch.zeros(1, frames, tokens + 1, 30)
    logits[..., 0] = 40.0  # every label costs 40 nats
    lengths = {"logit_lengths": torch.tensor([frames]), "label_lengths": torch.tensor([tokens])}
    found = rnnt_loss(logits=logits, labels=torch.ones(1, tokens, dtype=torch.long), blank_token_id=0, **lengths)
    alignments = math.lgamma(frames + tokens) - math.lgamma(frames) - math.lgamma(tokens + 1)
    assert float(found) == pytest.approx(40 - alignments / tokens, rel=1e-4)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of mean_volume, sum, none, but is 'median'"):
        rnnt_loss(**batch(frames=2, tokens=1, seed=0), blank_token_id=0, reduction="median")


def test_an_rnn_transducer_learns_by_it_and_one_with_durations_by_its_own() -> None:
    speech = torch.randn(2, 40, tiny.MELS, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[2, 3, 4], [3, 2, 0]])
    for model in (tiny.rnnt(), tiny.tdt()):
        give_loss(model)
        padded = labels.masked_fill(
            labels == 0,
            model.config.blank_token_id if model.config.model_type == "parakeet_rnnt" else model.config.pad_token_id,
        )
        start = torch.full((2, 1), model.config.blank_token_id)
        out = model(
            speech, attention_mask=torch.ones(2, 40), labels=padded, decoder_input_ids=torch.cat([start, padded], 1)
        )
        out.loss.backward()
        assert is_transducer(model)
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.decoder.parameters())
    assert not is_transducer(tiny.ctc())
