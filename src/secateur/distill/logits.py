"""Make the student's outputs those of the teacher."""

from torch import Tensor
from torch.nn.functional import kl_div, log_softmax


def logit_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    r"""Return the divergence of the posteriors of N frames of speech: a scalar, in nats per frame.

    .. math:: \frac{\tau^2}{N} \sum_n KL\big( softmax(y^T_n / \tau) \,\|\, softmax(y^S_n / \tau) \big)

    Logits have shape (N, V). The factor keeps the gradient's size whatever the temperature.

    Source: Hinton et al. 2015, "Distilling the knowledge in a neural network" (arXiv 1503.02531), section 2.
    """
    ours = log_softmax(student / temperature, dim=-1)
    theirs = log_softmax(teacher / temperature, dim=-1)
    return temperature**2 * kl_div(ours, theirs, reduction="batchmean", log_target=True)
