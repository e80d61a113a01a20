import copy
import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from secateur.distill import Distillation, Teaching, logit_loss
from secateur.families import find_groups
from secateur.processor import emulates_bfloat16


def layers(model: Any) -> list[str]:
    return [group.module for group in find_groups(model, ["layer"])]


def teach(student: Any, teacher: Any, **teaching: Any) -> Distillation:
    chosen = {"matching": "fixed", "taps": (0, 1), **teaching}
    return Distillation(
        student, teacher, Teaching(**chosen), layers=layers, frames=student._get_subsampling_output_length
    )


def pair(seed: int = 1) -> tuple[Any, Any]:
    return tiny.randomise(tiny.ctc(), 0).train(), tiny.randomise(tiny.ctc(), seed)


def own_loss(model: Any) -> float:
    return float(model(**tiny.labelled()).loss.detach())


def speech_frames(model: Any) -> Tensor:
    lengths = model._get_subsampling_output_length(torch.tensor(tiny.FRAMES))
    return torch.arange(int(lengths.max())) < lengths[:, None]


def test_a_copy_of_the_teacher_pays_nothing() -> None:
    student, _ = pair()
    teacher = copy.deepcopy(student)
    student.eval()
    alone = own_loss(student)
    student.train()
    for norm in (module for module in student.modules() if isinstance(module, torch.nn.BatchNorm1d)):
        norm.eval()
    teach(student, teacher, logits=1.0)
    assert own_loss(student) == pytest.approx(alone)


def test_the_loss_is_the_weighted_sum_of_its_parts() -> None:
    student, teacher = pair()
    distillation = teach(student, teacher, task=0.5, layers=3.0, logits=2.0)
    loss = own_loss(student)
    parts = distillation.numbers()
    assert parts.keys() == {"loss_task", "loss_layers", "loss_logits"}
    assert loss == pytest.approx(0.5 * parts["loss_task"] + 3 * parts["loss_layers"] + 2 * parts["loss_logits"])


def test_parts_are_those_computed_by_hand_and_padding_does_not_count() -> None:
    student, teacher = pair()
    seen: dict[str, Tensor] = {}
    for name, model in (("student", student), ("teacher", teacher)):
        for place, layer in enumerate(model.encoder.layers):
            layer.register_forward_hook(
                lambda _, __, out, key=f"{name}{place}": seen.__setitem__(key, out.detach()), prepend=True
            )
    distillation = teach(student, teacher, logits=1.0, temperature=3.0)
    output = student(**tiny.labelled())
    frames = speech_frames(student)
    assert not frames.all()
    gaps = [(seen[f"student{i}"] - seen[f"teacher{i}"])[frames].square().mean() for i in (0, 1)]
    divergence = logit_loss(output.logits[frames], tiny.output(teacher)[frames], temperature=3.0)
    parts = distillation.numbers()
    assert parts["loss_layers"] == pytest.approx(float(sum(gaps)))
    assert parts["loss_logits"] == pytest.approx(float(divergence.detach()))


@pytest.mark.parametrize("name", ["gpt2", "opt", "llama"])
def test_a_batch_that_is_half_of_a_step_counts_half(name: str) -> None:
    student, teacher = (tiny.randomise(tiny.MODELS[name](), seed).train() for seed in (0, 1))
    distillation = Distillation(
        student,
        teacher,
        Teaching(matching="fixed", taps=(0, 1), logits=1.0),
        layers=layers,
        frames=lambda lengths: lengths,
    )
    batch = tiny.labelled_for(student)
    tokens = (batch["labels"][:, 1:] != -100).sum()
    batch["labels"][:, 0] = -100  # what is first is predicted from nothing
    whole, half = (float(student(**batch, num_items_in_batch=n * tokens).loss.detach()) for n in (1, 2))
    assert whole == pytest.approx(float(student(**batch).loss.detach()))
    assert half == pytest.approx(whole / 2)
    distillation.detach()


def test_the_teacher_learns_nothing_and_keeps_its_statistics() -> None:
    student, teacher = pair()
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    teach(student, teacher.train(), logits=1.0)
    student(**tiny.labelled()).loss.backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.encoder.layers[0].norm_out.weight.grad is not None


@pytest.mark.parametrize("state", ["eval", "no gradient", "no labels"])
def test_other_forwards_pass(state: str) -> None:
    student, teacher = pair()
    distillation = teach(student, teacher, logits=1.0)
    teacher.forward = None  # it is not even asked
    if state == "eval":
        student.eval()(**tiny.labelled())
    elif state == "no gradient":
        with torch.no_grad():
            student(**tiny.labelled())
    else:
        student(**tiny.batch())
    assert distillation.numbers() == {}


def test_numbers_are_means_since_they_were_last_asked_for() -> None:
    student, teacher = pair()
    distillation = teach(student, teacher)
    singles = []
    for seed in (0, 1):
        student(**tiny.labelled(seed))
        singles.append(distillation.numbers()["loss_task"])
    for seed in (0, 1):
        student(**tiny.labelled(seed))
    assert distillation.numbers()["loss_task"] == pytest.approx(sum(singles) / 2)
    assert distillation.numbers() == {}


def test_without_a_matching_no_hidden_state_is_kept() -> None:
    student, teacher = pair()
    distillation = teach(student, teacher, matching=None, logits=1.0)
    own_loss(student)
    assert distillation.numbers().keys() == {"loss_task", "loss_logits"}
    assert not any(layer._forward_hooks for layer in student.encoder.layers)


def test_a_shallower_student_is_matched() -> None:
    student, teacher = tiny.randomise(tiny.ctc(layers=1), 0).train(), tiny.randomise(tiny.ctc(layers=3), 1)
    distillation = teach(student, teacher, matching="matched", taps=(0, 2))
    own_loss(student)
    assert distillation.numbers()["loss_layers"] > 0


def test_the_projection_learns_with_the_student_and_goes_on_from_a_state() -> None:
    def run(distillation: Distillation, student: Any, seeds: range) -> None:
        for seed in seeds:
            student.zero_grad()
            student(**tiny.labelled(seed)).loss.backward()
            distillation.step()

    (one, teacher), (other, _) = pair(), pair()
    straight, first = teach(one, teacher), teach(other, teacher)
    run(straight, one, range(4))
    run(first, other, range(2))
    first.detach()
    second = teach(other, teacher)
    second.restore(first.state())
    run(second, other, range(2, 4))
    for name, tensor in straight.state().items():
        assert torch.equal(tensor, second.state()[name])
    assert not torch.equal(straight.state()["weight"], torch.eye(tiny.WIDTH))


def test_a_state_that_was_taken_up_and_never_used_is_given_on() -> None:
    student, teacher = pair()
    distillation = teach(student, teacher)
    state = {"weight": torch.eye(2), "bias": torch.zeros(2)}
    distillation.restore(state)
    assert distillation.state().keys() == state.keys()


def test_detached_it_lets_the_teacher_go() -> None:
    student, teacher = pair()
    distillation, gone = teach(student, teacher, matching="matched", taps=(0, 1)), weakref.ref(teacher)
    student(**tiny.labelled()).loss.backward()
    distillation.detach()
    del teacher
    gc.collect()
    assert gone() is None


def test_detached_it_leaves_no_hook() -> None:
    student, teacher = pair()
    distillation = teach(student, teacher)
    distillation.detach()
    assert not any(module._forward_hooks for model in (student, teacher) for module in model.modules())


def test_a_teacher_in_low_precision_is_close() -> None:
    (student, teacher), losses = pair(), []
    student.float()
    teacher.float()
    for dtype in (torch.float32, torch.bfloat16):
        distillation = teach(student, teacher, logits=1.0, dtype=dtype)
        student(**tiny.labelled(dtype=torch.float32))
        losses.append(distillation.numbers()["loss_logits"])
        distillation.detach()
    assert (losses[0] == losses[1]) == emulates_bfloat16()  # where it is slow, the teacher stays in float32
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize("whose", ["student", "teacher"])
def test_a_teacher_works_in_float32_beside_a_student_in_any_precision(whose: str) -> None:
    student, teacher = (model.float() for model in pair())
    (student if whose == "student" else teacher).bfloat16()
    teach(student, teacher, logits=1.0)
    batch = tiny.labelled()
    features = batch["input_features"].to(student.dtype)
    assert student(**{**batch, "input_features": features}).loss.isfinite()
    assert {parameter.dtype for parameter in teacher.parameters()} == {torch.float32}
