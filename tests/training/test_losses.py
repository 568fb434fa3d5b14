"""What holds for every loss: gradients, void, precision, order, and its way through text."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from segbench.errors import BadParameter, ShapeMismatch, StrayLabel, UnknownName  # noqa: E402
from segbench.training.lossbase import Batch, Loss  # noqa: E402
from segbench.training.losses import LOSSES, Weighted, parse_loss  # noqa: E402
from segbench.training.overlap_losses import CeLogIou, Dice, Tversky  # noqa: E402
from segbench.training.pictures import VOID  # noqa: E402
from segbench.training.pixel_losses import L1, CrossEntropy, EdgeCrossEntropy  # noqa: E402
from segbench.training.weights import ClassCounts  # noqa: E402
from tests.training.loss_cases import COUNTS, VARIANTS, batch, gradient, loss_of  # noqa: E402

each = pytest.mark.parametrize("text", VARIANTS)
#: It looks at void on purpose.
each_and_void = pytest.mark.parametrize("text", (*VARIANTS, "total_variation(void=in)"))


@each_and_void
def test_gradients_are_those_of_differences(text: str) -> None:
    logits, truth = batch(rows=3, columns=4)
    loss = loss_of(text)
    assert torch.autograd.gradcheck(lambda z: loss(z, truth, COUNTS), logits.requires_grad_(), raise_exception=True)


@each
@pytest.mark.parametrize("value", [0.0, 1e30, float("inf"), float("nan")])
def test_logits_of_void_change_nothing(text: str, value: float) -> None:
    logits, truth = batch()
    before, slope = gradient(loss_of(text), logits, truth)
    changed = logits.masked_fill((truth == VOID).unsqueeze(1), value)
    after, other = gradient(loss_of(text), changed, truth)
    assert torch.equal(after, before) and torch.equal(other, slope)
    assert (slope.movedim(1, -1)[truth == VOID] == 0).all() and (slope != 0).any()


@each
def test_void_is_as_if_it_were_not_there(text: str) -> None:
    logits, truth = batch(columns=7)
    truth[..., 5:] = VOID
    whole, slope = gradient(loss_of(text), logits, truth)
    part, inner = gradient(loss_of(text), logits[..., :5], truth[..., :5])
    assert torch.allclose(whole, part, rtol=1e-13, atol=0) and torch.allclose(slope[..., :5], inner, rtol=1e-12)


@each
@pytest.mark.parametrize("fill", [0.0, float("nan")])
def test_a_batch_of_void_is_0_without_a_slope(text: str, fill: float) -> None:
    logits, truth = batch()
    loss = loss_of(text)
    value, slope = gradient(loss, logits.float() + fill, torch.full_like(truth, VOID))
    assert value.item() == 0 and (slope == 0).all()


@each_and_void
def test_classes_have_no_order(text: str) -> None:
    logits, truth = batch()
    order = torch.tensor([2, 0, 3, 1])
    counts = ClassCounts(*(tuple(part[i] for i in order) for part in (COUNTS.pixels, COUNTS.image_pixels)))
    place = order.argsort()
    renamed = torch.where(truth == VOID, VOID, place[truth.clamp(min=0)])
    loss = loss_of(text)
    # Background is a class by its index, and goes where that goes.
    moved = replace(loss, background=int(place[0])) if isinstance(loss, EdgeCrossEntropy) else loss
    found = moved(logits[:, order], renamed, counts)
    assert torch.allclose(found, loss(logits, truth, COUNTS), rtol=1e-13, atol=0)


@each_and_void
def test_images_have_no_order(text: str) -> None:
    logits, truth = batch(images=3)
    order = torch.tensor([2, 0, 1])
    loss = loss_of(text)
    found = loss(logits[order], truth[order], COUNTS)
    assert torch.allclose(found, loss(logits, truth, COUNTS), rtol=1e-13, atol=0)


@each_and_void
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_16_bits_are_summed_in_32(text: str, dtype: torch.dtype) -> None:
    # Logits that the format holds exactly. What is left is the rounding of float32, 2⁻²⁴ in each of the 2 · 4 · 30
    # sums that one number goes through at most, twice over for the logarithm and the division behind it.
    logits, truth = batch()
    rounded = logits.to(dtype)
    narrow, slope = gradient(loss_of(text), rounded, truth)
    exact, _ = gradient(loss_of(text), rounded.double(), truth)
    assert narrow.dtype == torch.float32 and slope.dtype == dtype and slope.isfinite().all()
    assert narrow.item() == pytest.approx(exact.item(), rel=2 * 240 * 2**-24)


@each_and_void
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_more_pixels_than_16_bits_can_count(text: str, dtype: torch.dtype) -> None:
    # 272 · 272 = 73,984 pixels: above the largest float16, 65,504, and far above 256, where bfloat16 skips numbers.
    logits, truth = torch.zeros(1, 4, 272, 272), torch.zeros(1, 272, 272, dtype=torch.int64)
    truth[0, 100:110, 100:110] = 1
    logits[0, 1, 90:120, 90:120] = 3
    narrow = loss_of(text)(logits.to(dtype), truth, COUNTS)
    exact = loss_of(text)(logits.double(), truth, COUNTS)
    # Sums of equal numbers round to one side, yet by blocks: less than one part in 10⁵, 170 times 2⁻²⁴.
    assert narrow.item() == pytest.approx(exact.item(), rel=1e-5)


@each_and_void
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(text: str, dtype: torch.dtype) -> None:
    logits, truth = batch()
    before, slope = gradient(loss_of(text), logits.float(), truth)
    with torch.autocast("cpu", dtype=dtype):
        after, other = gradient(loss_of(text), logits.float(), truth)
    assert after.dtype == torch.float32 and torch.equal(after, before) and torch.equal(other, slope)


@dataclass(frozen=True)
class Product(Loss):
    """A loss with a product of matrices, which autocast would narrow."""

    name: ClassVar[str] = "product"

    def of(self, batch: Batch) -> Tensor:
        return batch.q.flatten(1) @ batch.p.flatten(1).T


def test_autocast_is_off_inside() -> None:
    logits, truth = (part.float() if part.is_floating_point() else part for part in batch())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (logits.flatten(1) @ logits.flatten(1).T).dtype == torch.bfloat16
        assert Product()(logits, truth).dtype == torch.float32


@each_and_void
def test_nothing_is_made_on_another_device(text: str) -> None:
    logits, truth = batch()
    before = loss_of(text)(logits, truth, COUNTS)
    # Whatever names no device would be made on this one, which holds no numbers.
    torch.set_default_device("meta")
    try:
        after = loss_of(text)(logits, truth, COUNTS)
    finally:
        torch.set_default_device(None)
    assert after.device.type == "cpu" and torch.equal(after, before)


@pytest.mark.parametrize("text", [name for name in LOSSES if name != "total_variation"])
def test_the_truth_is_the_minimum(text: str) -> None:
    logits, truth = batch()
    certain = 60.0 * torch.nn.functional.one_hot(truth.clamp(min=0), 4).movedim(-1, 1)
    # The logarithm of 1 + 1e-7 is above 0, in float32 by the last bit of 1.
    assert -(2**-23) <= loss_of(text)(certain, truth).item() < 1e-6 < loss_of(text)(logits, truth).item()
    learned = torch.zeros_like(logits).requires_grad_()
    optimiser = torch.optim.Adam([learned], lr=0.3)
    for _ in range(30):
        optimiser.zero_grad()
        loss_of(text)(learned, truth).backward()
        optimiser.step()
    assert torch.equal(learned.argmax(1)[truth != VOID], truth[truth != VOID])


@each
def test_inputs_are_left_alone(text: str) -> None:
    logits, truth = batch()
    before = logits.clone(), truth.clone()
    loss_of(text)(logits, truth, COUNTS)
    assert torch.equal(logits, before[0]) and torch.equal(truth, before[1])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_truth_may_be_of_any_whole_numbers(dtype: torch.dtype) -> None:
    logits, truth = batch()
    truth = truth.clamp(min=0)
    assert torch.equal(L1()(logits, truth.to(dtype)), L1()(logits, truth))


# As values.


@each_and_void
def test_text_parses_back(text: str) -> None:
    loss = loss_of(text)
    assert parse_loss(str(loss)) == loss and hash(parse_loss(str(loss))) == hash(loss)
    assert pickle.loads(pickle.dumps(loss)) == loss


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tversky( alpha = 0.30 , beta=0.70 )", "tversky"),
        ("tversky(alpha=4.0)", "tversky(alpha=4)"),
        ("ce_log_iou(epsilon=1e-3)", "ce_log_iou(epsilon=0.001)"),
        (" 1*dice ", "dice"),
        ("1e-3 * l1+dice ( absent=one )", "0.001*l1+dice(absent=one)"),
    ],
)
def test_text_is_canonical(text: str, expected: str) -> None:
    assert str(parse_loss(text)) == expected


def test_only_weights_need_counts() -> None:
    assert {text for text in VARIANTS if loss_of(text).needs_counts} == {t for t in VARIANTS if "weights=" in t}
    logits, truth = batch()
    with pytest.raises(BadParameter, match="weights=enet without how often classes occur"):
        CrossEntropy("enet")(logits, truth)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dise", "did you mean 'dice'"),
        ("focal_nonsense", "known: cross_entropy, edge_cross_entropy"),
        ("dice+", r"several with \+ and factors"),
        ("", r"several with \+ and factors"),
        ("dice(absent=one", r"several with \+ and factors"),
        ("-1*dice", r"several with \+ and factors"),
        ("dice l1", r"several with \+ and factors"),
        ("dice(absent=on)", "did you mean 'one'"),
        ("dice(form=sum)", "dice has no parameter 'form'"),
        ("tversky(alpha=-1)", "a finite number \\(float\\) from 0 on"),
        ("tversky(alpha=nan)", "a finite number \\(float\\) from 0 on"),
        ("tversky(alpha=x)", "a number \\(float\\)"),
        ("edge_cross_entropy(sigma=0)", "pixels above 0"),
        ("edge_cross_entropy(background=0.5)", "a number \\(int\\)"),
        ("ce_log_iou(epsilon=0)", "above 0"),
        ("l1(x=1)", "expected no parameters"),
    ],
)
def test_malformed_text_is_refused(text: str, message: str) -> None:
    with pytest.raises((BadParameter, UnknownName), match=message):
        parse_loss(text)


def test_fields_of_another_kind_are_refused() -> None:
    for make in (
        lambda: Tversky(alpha=True),
        lambda: Dice(absent="zero"),  # type: ignore[arg-type]
        lambda: CeLogIou(epsilon="1"),  # type: ignore[arg-type]
        lambda: Weighted(()),
        lambda: Weighted(((float("nan"), L1()),)),
        lambda: Weighted(((1.0, Weighted(((2.0, L1()),))),)),
    ):
        with pytest.raises(BadParameter):
            make()


# Batches that do not fit.


def test_shapes_must_fit() -> None:
    logits, truth = batch()
    for wrong in (truth[:1], truth[:, :-1], truth[0], truth.unsqueeze(1)):
        with pytest.raises(ShapeMismatch, match=r"logits of shape \(2, 4, 5, 6\)"):
            L1()(logits, wrong)
    with pytest.raises(ShapeMismatch):
        L1()(logits[0], truth)


def test_dtypes_and_counts_must_fit() -> None:
    logits, truth = batch()
    with pytest.raises(BadParameter, match=r"truth of torch\.float32"):
        L1()(logits, truth.float())
    with pytest.raises(BadParameter, match=r"logits of torch\.int64"):
        L1()(logits.long(), truth)
    with pytest.raises(BadParameter, match="counts of 2 classes for logits of 4"):
        CrossEntropy("enet")(logits, truth, ClassCounts((1, 1), (2, 2)))


@pytest.mark.parametrize("stray", [4, 255, -2])
def test_strays_are_refused(stray: int) -> None:
    logits, truth = batch()
    truth[1, 2, 3] = truth[1, 4, 0] = stray
    with pytest.raises(StrayLabel, match=f"{stray} in the truth of image 1; expected 0 to 3, or -1 for void") as caught:
        L1()(logits, truth)
    assert caught.value.pixel == (2, 3) and caught.value.count == 2


def test_a_background_that_the_data_has_not() -> None:
    logits, truth = torch.zeros(1, 2, 3, 4), torch.zeros(1, 3, 4, dtype=torch.long)
    with pytest.raises(BadParameter, match=r"background=9; expected one of 2 classes"):
        parse_loss("edge_cross_entropy(background=9)")(logits, truth)


@pytest.mark.parametrize(
    ("text", "factor"), [(".5*dice", 0.5), ("1E-3*dice", 1e-3), ("2e+1*dice", 20.0), ("1.*dice", 1)]
)
def test_factors_as_numbers_are_written(text: str, factor: float) -> None:
    logits, truth = torch.randn(1, 2, 3, 4), torch.randint(0, 2, (1, 3, 4))
    assert parse_loss(text)(logits, truth) == pytest.approx(factor * parse_loss("dice")(logits, truth))
