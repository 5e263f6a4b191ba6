import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import data
from repalign_utils.data.procedural import images as procedural
from repalign_utils.data.procedural.canvas import Canvas

SIZES = {("natural", "source"): 8, ("artificial", "source"): 8,
         ("natural", "target"): 6, ("artificial", "target"): 4,
         ("both", "source"): 16, ("both", "target"): 10}  # fmt: skip
DOMAINS = ("plain", "studio", "webcam")
families = st.sampled_from(["natural", "artificial", "both"])
roles = st.sampled_from(["source", "target"])


def _contents(images):
    return {image.tobytes() for image in images.images}


@settings(max_examples=8)
@given(
    family=families,
    role=roles,
    domain=st.sampled_from(DOMAINS),
    n=st.integers(1, 60),
    size=st.integers(16, 40),
    seed=st.integers(0, 2**31),
)
def test_any_choice_gives_so_many_pictures_of_each_class(
    family, role, domain, n, size, seed
):
    drawn = data.procedural_images(
        family, role, n_per_class=n, domain=domain, size=size, seed=seed
    )
    count = SIZES[family, role]
    assert drawn.images.shape == (count * n, 3, size, size)
    assert drawn.images.dtype == np.uint8 and drawn.labels.dtype == np.int64
    assert np.bincount(drawn.labels).tolist() == [n] * count
    assert len(set(drawn.classes)) == count
    # every picture shows something
    assert (drawn.images.reshape(count * n, -1).std(axis=1) > 1).all()


def test_a_seed_fixes_the_pictures_and_a_larger_number_holds_the_smaller():
    few, again, more, other = (
        data.procedural_images("both", n_per_class=n, seed=seed)
        for n, seed in ((30, 4), (30, 4), (70, 4), (30, 5))
    )
    np.testing.assert_array_equal(few.images, again.images)
    assert few.about == again.about and few.about.sha256 != more.about.sha256
    for index in range(len(few.classes)):
        np.testing.assert_array_equal(
            few.images[few.labels == index], more.images[more.labels == index][:30]
        )
    assert _contents(few).isdisjoint(_contents(other))


def test_the_splits_and_the_domains_are_different_draws():
    drawn = [
        _contents(
            data.procedural_images("both", split=split, n_per_class=20, domain=domain)
        )
        for split, domain in itertools.product(("train", "test"), DOMAINS)
    ]
    assert [len(contents) for contents in drawn] == [320] * 6  # none twice
    assert len(set.union(*drawn)) == 1920


def test_each_class_draws_its_own_poses(monkeypatch):
    drawn = []

    def record(*arguments):
        drawn.append(Canvas(*arguments))
        return drawn[-1]

    monkeypatch.setattr(procedural, "Canvas", record)
    data.procedural_images("both", n_per_class=60)
    assert len(drawn) == 32  # two batches of each class
    sizes = [canvas.pixel.tobytes() for canvas in drawn]
    assert len(set(sizes)) == 32


def test_both_is_the_natural_family_and_then_the_artificial_one():
    both, natural, artificial = (
        data.procedural_images(family, "target", n_per_class=3)
        for family in ("both", "natural", "artificial")
    )
    assert both.classes == natural.classes + artificial.classes
    np.testing.assert_array_equal(
        both.images, np.concatenate([natural.images, artificial.images])
    )


def test_sources_and_targets_share_no_class():
    for family in ("natural", "artificial"):
        source, target = (
            data.procedural_images(family, role, n_per_class=1).classes
            for role in ("source", "target")
        )
        assert procedural.NAMES[family] == source + target
        assert set(source).isdisjoint(target)


def test_the_page_is_told_what_was_drawn():
    drawn = data.procedural_images(
        "artificial", "target", split="test", n_per_class=25, domain="webcam", seed=3
    )
    assert drawn.about.sentence() == (
        "100 generated rows of drawn pictures, artificial, target classes, test split "
        "(drawn by the code of this book; licence: none needed; 25 of each of 4 "
        "classes; domain webcam; seed 3)."
    )


@pytest.fixture(scope="module")
def styles():
    """Pictures in [0, 1] of both families in each domain."""
    return {
        domain: data.procedural_images("both", n_per_class=50, domain=domain).images
        / 255
        for domain in DOMAINS
    }


def test_brightness_hardly_tells_the_families_apart(styles):
    for pictures in styles.values():
        natural, artificial = np.split(pictures.mean(axis=(1, 2, 3)), 2)
        gap = abs(natural.mean() - artificial.mean())
        assert gap < 0.5 * min(natural.std(), artificial.std())


def test_a_webcam_has_little_contrast_and_a_studio_much(styles):
    spread = {d: np.median(p.std(axis=(2, 3))) for d, p in styles.items()}
    assert spread["webcam"] < spread["studio"]


def test_a_studio_has_a_grey_background_and_a_plain_one_is_light(styles):
    def corners(domain):
        return np.median(styles[domain][:, :, ::31, ::31], axis=(2, 3))

    assert np.median(np.ptp(corners("studio"), axis=1)) < 0.03
    assert np.median(np.ptp(corners("plain"), axis=1)) > 0.03
    assert np.median(corners("plain")) > 0.65 > np.median(corners("studio"))
    assert np.median(corners("webcam").std(axis=1)) > 0.03


def test_pixels_alone_say_more_than_chance_but_not_which_class():
    train, test = (
        data.procedural_images("both", "target", split=split)
        for split in ("train", "test")
    )
    # ridge regression of the classes on the pixels, in the span of the images
    mean = train.pixels().mean(axis=0)
    kept, new = train.pixels() - mean, test.pixels() - mean
    kernel = (kept @ kept.T).astype(np.float64)
    kernel[np.diag_indices(len(kernel))] += 3e-2 * np.trace(kernel) / len(kernel)
    scores = (new @ kept.T) @ np.linalg.solve(kernel, train.targets())
    right = (scores.argmax(axis=1) == test.labels).mean()
    assert 1.5 / 10 < right < 0.6


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"family": "naturl"}, "unknown family 'naturl': expected one of natural, arti"
                               "ficial, both; did you mean 'natural'?"),
        ({"role": "targets"}, "unknown role 'targets': expected one of source, target;"
                              " did you mean 'target'?"),
        ({"split": "trian"}, "unknown split 'trian': expected one of train, test; did "
                             "you mean 'train'?"),
        ({"domain": "web"}, "unknown domain 'web': expected one of plain, studio, web"
                            "cam; did you mean 'webcam'?"),
        ({"size": 8}, "size is 8 but must be a whole number of at least 16"),
        ({"n_per_class": 0}, "n_per_class is 0 but must be a whole number of at least"),
        ({"seed": -1}, "seed is -1 but must be a whole number of at least 0"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(options, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        data.procedural_images(**{"family": "natural"} | options)
