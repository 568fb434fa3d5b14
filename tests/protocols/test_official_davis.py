"""The protocols of DAVIS as segbench scores them against a plain reference of the official tools, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.protocols.load import load_protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.metrics.video_cases import VOID, Labels, Video, random_video, samples
from tests.oracles import davis

N_BLOCKS, N_IN_BLOCK = 4, 30
ORACLES: dict[str, Callable[..., davis.DavisResult]] = {
    "davis2016": davis.davis2016,
    "davis2017": davis.davis2017,
    "davis2017-unsupervised": davis.davis2017_unsupervised,
}
KEYS = {"j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay", "jf_mean"}
PLANS = {name: Plan.of(load_protocol(name)) for name in ORACLES}
WRAPPED = ("j_decay(frame_ids=uint8)", "f_decay(frame_ids=uint8)")
SHAPE = (20, 30)

Videos = Mapping[str, Video]


def rectangle(value: int, top: int, left: int, height: int, width: int) -> Labels:
    labels = np.zeros(SHAPE, np.uint8)
    labels[top : top + height, left : left + width] = value
    return labels


ONE, TWO = rectangle(1, 5, 3, 8, 8), rectangle(2, 5, 18, 8, 8)


def random_videos(rng: np.random.Generator, name: str) -> dict[str, Video]:
    """One to three videos that a protocol takes, with all its traps; at least half of them larger than 32×32."""
    videos = {}
    for i in range(int(rng.integers(1, 4))):
        low, high = (1, 33) if rng.random() < 0.4 else (33, 90)
        shape = int(rng.integers(low, high)), int(rng.integers(low, high))
        n_objects = int(rng.integers(1, 5))
        n_proposals = int(rng.integers(0, n_objects + 1 if name == "davis2017" else 9))
        how: dict[str, Any] = {"n_objects": n_objects, "n_proposals": n_proposals, "void": bool(rng.random() < 0.5)}
        # Names whose order as text differs from that of their files.
        videos["a" + "-b" * i] = random_video(rng, shape, int(rng.integers(3, 12)), **how)
    return videos


def n_objects(name: str, video: Video) -> int:
    return 1 if name == "davis2016" else davis.number_of_objects(video[0])


def frames(name: str, videos: Videos) -> list[Sample]:
    """The scored frames, as maps that files are read to."""
    ends = name == "davis2017-unsupervised"
    found = [s for key, video in videos.items() for s in samples(key, video, n_objects(name, video), ends=ends)]
    if name != "davis2016":
        return found
    return [Sample(s.key, s.truth > 0, s.prediction > 0, place=s.place) for s in found]


def counted(plan: Plan, frames: list[Sample]) -> dict[str, segbench.Score]:
    states = plan.start()
    for frame in frames:
        plan.count_one(states, frame)
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def hold(name: str, found: Mapping[str, segbench.Score], expected: davis.DavisResult) -> None:
    """Assert every number of the reference to the last bit; NaN is itself."""
    for key in KEYS - {"jf_mean"}:
        measure, _, statistic = key.partition("_")
        value = getattr(getattr(expected, measure), statistic)
        assert found[key].value.hex() == value.hex(), key
        by_object = {
            o.sequence if name == "davis2016" else f"{o.sequence}_{o.number}": getattr(getattr(o, measure), statistic)
            for o in expected.objects
        }
        assert {part: v.hex() for part, v in found[key].per_class.items()} == {p: v.hex() for p, v in by_object.items()}
    assert found["jf_mean"].value.hex() == expected.jf_mean.hex()


def test_what_is_scored() -> None:
    for name, plan in PLANS.items():
        protocol = load_protocol(name)
        # test_official_davis_stability holds T to its own reference.
        own = {"t_mean"} if name == "davis2016" else set()
        assert set(plan.metrics) == KEYS | own and protocol.default_split == "val" and protocol.kind == "video"
        assert protocol.primary == ("j_mean" if name == "davis2016" else "jf_mean")
    assert load_protocol("davis").name == "davis2017"


@pytest.mark.parametrize("block", range(N_BLOCKS))
@pytest.mark.parametrize("name", ORACLES)
def test_random_videos_score_as_the_reference(name: str, block: int) -> None:
    n_large = n_all = n_between = n_void = n_fewer = n_more = 0
    for seed in range(N_IN_BLOCK):
        videos = random_videos(np.random.default_rng([block, seed]), name)
        found = counted(PLANS[name], frames(name, videos))
        hold(name, found, ORACLES[name](videos))
        for truths, predictions in videos.values():
            n_all, n_large = n_all + 1, n_large + (min(truths[0].shape) > 32)
            n_void += any((t == VOID).any() for t in truths[1:-1])
            most = max(int(p.max()) for p in predictions[1:-1])
            n_fewer += most < davis.number_of_objects(truths)
            n_more += most > davis.number_of_objects(truths)
        n_between += 0 < found["jf_mean"].value < 1
    assert 2 * n_large >= n_all and n_between > N_IN_BLOCK / 2
    assert min(n_void, n_fewer) > N_IN_BLOCK / 6 and (n_more > N_IN_BLOCK / 6 or name == "davis2017")


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("n_frames", [257, 258, 259, 300, 515, 770])
def test_long_videos_with_and_without_the_wrap(name: str, n_frames: int) -> None:
    rng = np.random.default_rng(n_frames)
    video = random_video(rng, (7, 9), n_frames, n_objects=2, n_proposals=2, void=True)
    videos = {"long": video, "short": random_video(rng, (7, 9), 9, n_objects=1, n_proposals=1, void=False)}
    plan = Plan.of(load_protocol(name), WRAPPED)
    found = counted(plan, frames(name, videos))
    hold(name, found, ORACLES[name](videos))
    wrapped = ORACLES[name](videos, uint8_wrap=True)
    for key in WRAPPED:
        expected = getattr(wrapped, key[0]).decay
        assert found[key].value.hex() == expected.hex()
        n_scored = n_frames if name == "davis2017-unsupervised" else n_frames - 2
        assert (found[key].value != found[key[:7]].value) == (n_scored > 256)


def test_ties_are_broken_as_in_the_reference() -> None:
    rng = np.random.default_rng(5)
    for seed in range(20):
        truth = rng.integers(0, 4, SHAPE).astype(np.uint8)
        truth.flat[0] = 3
        # Proposals that are equal, and objects that are: the order of both decides.
        prediction = np.where(truth > 0, rng.integers(1, 7), 0).astype(np.uint8)
        videos = {"tied": ([truth] * 4, [prediction] * 4), "untied": ([truth] * 3, [truth] * 3)}
        name = "davis2017-unsupervised"
        hold(name, counted(PLANS[name], frames(name, videos)), ORACLES[name](videos)), seed


def test_a_proposal_hidden_in_void_is_an_empty_mask_to_choose() -> None:
    """It is the better answer to an object that is gone, where void hides the other proposal or not."""
    void = rectangle(VOID, 14, 3, 5, 5)
    truths, predictions = [ONE + void, void, void], [ONE, ONE, ONE]
    name = "davis2017-unsupervised"
    for hidden, j in ((0, 1 / 3), (2, 2 / 3)):
        found = [labels + (hidden * (void > 0)).astype(np.uint8) for labels in predictions]
        videos = {"a": (truths, found)}
        scores = counted(PLANS[name], frames(name, videos))
        hold(name, scores, ORACLES[name](videos))
        assert scores["j_mean"].value == j
