import numpy as np
import pytest

from repalign_utils.measures.labels import one_vs_rest
from repalign_utils.transferability import h_score, leep, log_me, nce, trans_rate
from tests.transferability.drawn import classes, quantities

OF_FEATURES = [h_score, log_me, trans_rate]
every_score = pytest.mark.parametrize("score", OF_FEATURES)


@every_score
def test_names_of_classes_and_the_order_of_rows_do_not_matter(score):
    features, numbers = classes()
    expected = score(features, numbers)
    order = np.random.default_rng(1).permutation(len(features))
    names = np.array(["wolf", "bee", "cat"])[numbers]
    for labels in (numbers + 1, names, list(names), 7 - 2 * numbers):
        found = score(features[order], np.asarray(labels)[order])
        assert found == pytest.approx(expected, rel=1e-9)


@every_score
def test_scale_and_kind_of_the_features_do_not_matter(score):
    torch = pytest.importorskip("torch")
    features, labels = classes()
    expected = score(features, labels)
    for same in (1e-200 * features, 1e200 * features, torch.tensor(features)):
        assert score(same, labels) == pytest.approx(expected, rel=1e-9)
    assert score(features, torch.tensor(labels)) == pytest.approx(expected)


@every_score
@pytest.mark.parametrize(
    "wrong, told",
    [
        (lambda x, y: (y, x), r"\(80,\) and labels \(80, 6\), as if they were swapped"),
        (lambda x, y: (x[:9], y), "features have 9 rows but labels have 80; .*labels"),
        (lambda x, y: (x, [1, 2]), r"80 rows but labels have 2; .*features\[:2\]"),
        (lambda x, y: (x, np.zeros(80, int)), "all 80 labels are 0, and one class"),
        (lambda x, y: (x, np.arange(80)), "all 80 labels differ, so no class has two"),
        (lambda x, y: (x, ["a"] + [None] * 79), r"labels\[1\] is None, which is no"),
        (lambda x, y: (x, one_vs_rest(y) > 0), r"labels must be \(n,\) .*argmax\(1\)"),
        (lambda x, y: (x * [[np.nan]], y), r"features\[0, 0\] is nan but every entry"),
        (lambda x, y: (0 * x + 1, y), "features are the same in all 80 rows and tell"),
        (lambda x, y: (np.abs(x) / np.abs(x).sum(1)[:, None], y), "pass .* leep or"),
        (lambda x, y: (x, y + 0.5 * np.nan), "for classes alone|nan but every entry"),
    ],
)
def test_what_is_no_pair_of_features_and_classes_is_refused(score, wrong, told):
    with pytest.raises(ValueError, match=told):
        score(*wrong(*classes()))


@pytest.mark.parametrize("score", [h_score, trans_rate, leep, nce])
def test_a_score_without_a_form_for_quantities_says_so(score):
    features, drawn = quantities()
    told = f"{score.__name__} is defined for classes alone, .*labels.astype"
    with pytest.raises(ValueError, match=told):
        score(features, drawn[:, 0])


def test_whole_numbers_given_as_floats_are_taken_as_quantities_and_told():
    features, labels = classes()
    with pytest.warns(UserWarning, match=r"pass labels.astype\(int\) if they are cl"):
        found = log_me(features, labels.astype(float))
    assert found != pytest.approx(log_me(features, labels), abs=0.01)


def test_a_constant_quantity_is_refused():
    features, drawn = quantities()
    drawn[:, 1] = 2.0
    with pytest.raises(ValueError, match=r"column 1 of the labels is 2.0 in all 60"):
        log_me(features, drawn)
