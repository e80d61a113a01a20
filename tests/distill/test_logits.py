import pytest
import torch

from secateur.distill import logit_loss


def naive(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> float:
    total = 0.0
    for ours, theirs in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = (torch.softmax(torch.tensor(row, dtype=torch.float64) / temperature, 0) for row in (theirs, ours))
        total += sum(float(a) * (float(a.log()) - float(b.log())) for a, b in zip(p, q, strict=True))
    return temperature**2 * total / len(student)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_it_is_the_mean_divergence_of_the_frames(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64)
    assert logit_loss(student, teacher, temperature=temperature).item() == pytest.approx(
        naive(student, teacher, temperature)
    )


def test_equal_outputs_up_to_a_shift_cost_nothing() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert logit_loss(logits + 3.0, logits, temperature=2.0).item() == pytest.approx(0.0, abs=1e-12)
