"""The loss of RNN transducers."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import ParakeetForTDT

from secateur.families import is_transducer

REDUCTIONS = ("mean_volume", "sum", "none")


def rnnt_loss(
    *,
    logits: Tensor,
    labels: Tensor,
    logit_lengths: Tensor,
    label_lengths: Tensor,
    blank_token_id: int,
    reduction: str = "mean_volume",
    **_: Any,
) -> Tensor:
    r"""Return -ln p(labels | speech), summed over all alignments of a joint network's outputs.

    .. math:: \alpha_{t,u} = \ln\big( e^{\alpha_{t-1,u}} \varnothing_{t-1,u} + e^{\alpha_{t,u-1}} y_{t,u-1} \big),
              \quad -\ln p = -\alpha_{T-1,U} - \ln \varnothing_{T-1,U}

    `logits` have shape (B, T, S + 1, V), `labels` (B, S) padded with any token; lengths (B,) count what is no padding.
    The sum over u is a cumulative one, so a frame is a few operations on (B, S + 1), in double precision.

    `reduction`: ``mean_volume`` divides the sum over the batch by the number of labels, ``sum`` does not divide,
    ``none`` gives one number per utterance.

    Source: Graves 2012 (arXiv 1211.3711), equations 16 and 18; the reduction is that of NVIDIA's Parakeet.
    Differs from what `transformers` takes for it: that is `torchaudio`, whose repository is no longer looked after and
    which has no build for processors alone where PyTorch has one.

    Raises:
        ValueError: There is no such reduction.

    >>> even = torch.zeros(1, 2, 2, 2)  # two frames, one label: two alignments, of three halves each
    >>> lengths = torch.tensor([2]), torch.tensor([1])
    >>> loss = rnnt_loss(logits=even, labels=torch.tensor([[1]]), logit_lengths=lengths[0], label_lengths=lengths[1],
    ...                  blank_token_id=0)
    >>> round(float(loss.neg().exp()), 6)
    0.25
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` must be one of {', '.join(REDUCTIONS)}, but is {reduction!r}")
    whole = logits.float().logsumexp(-1)
    blank = (logits[..., blank_token_id] - whole).double()
    index = labels[:, None, :, None].expand(-1, logits.shape[1], -1, -1)
    label = (logits[:, :, :-1].gather(-1, index).squeeze(-1) - whole[:, :, :-1]).double()
    reached = _reached(blank, label)
    utterances, frames = torch.arange(len(logits), device=logits.device), logit_lengths - 1
    losses = -(reached + blank)[utterances, frames, label_lengths].float()
    if reduction == "none":
        return losses
    return losses.sum() / (label_lengths.sum() if reduction == "mean_volume" else 1)


def _reached(blank: Tensor, label: Tensor) -> Tensor:
    """Return alpha, shape (B, T, S + 1), from the log probabilities of blanks (B, T, S + 1) and labels (B, T, S)."""
    written = pad(label.cumsum(-1), (1, 0))
    rows = [written[:, 0]]
    for frame in range(1, blank.shape[1]):
        arrived = rows[-1] + blank[:, frame - 1]
        rows.append(written[:, frame] + (arrived - written[:, frame]).logcumsumexp(-1))
    return torch.stack(rows, 1)


def give_loss(model: Any) -> None:
    """Let an RNN transducer compute its loss by `rnnt_loss`; one with durations has the library's own."""
    if is_transducer(model) and not isinstance(model, ParakeetForTDT):
        model.loss_function = rnnt_loss
