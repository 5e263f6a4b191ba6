import itertools

import numpy as np
import pytest

from repalign_utils.similarity import (
    cca,
    chance_level,
    cka,
    layer_significance,
    significance,
    svcca,
)

SMALL = [(6, 2, 3), (6, 7, 2), (4, 2, 2), (6, 5, 3), (6, 8, 8)]


def skewed(n, p, q, seed=1):
    """Two independent layers, some rows of which stand far out."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) ** 3, rng.exponential(size=(n, q))


def squared_cca(X, Y):
    return (cca(X, Y).correlations ** 2).mean()


@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("measure, plain", [("cka", cka), ("squared_cca", squared_cca)])
@pytest.mark.filterwarnings("ignore:.*canonical correlations are 1 for want")
def test_chance_is_the_mean_and_deviation_over_every_permutation(shape, measure, plain):
    x, y = skewed(*shape)
    orders = itertools.permutations(range(shape[0]))
    every = np.array([plain(x, y[list(order)]) for order in orders])
    found = chance_level(x, y, measure=measure)
    assert found.value == pytest.approx(every[0], abs=1e-9)
    assert found.mean == pytest.approx(every.mean(), abs=1e-9)
    assert found.deviation == pytest.approx(every.std(), abs=1e-7)


@pytest.mark.parametrize("n, d, expected", [(32, 8, 0.2), (32, 128, 0.8)])
def test_independent_layers_have_a_cka_that_grows_with_their_width(n, d, expected):
    rng = np.random.default_rng(0)
    found = [
        chance_level(*rng.normal(size=(2, n, d)))  # of its own draw each
        for _ in range(20)
    ]
    values, means = ([getattr(f, name) for f in found] for name in ("value", "mean"))
    assert np.mean(means) == pytest.approx(d / (n - 1 + d), abs=0.02)
    assert np.mean(means) == pytest.approx(expected, abs=0.02)
    assert np.mean(values) == pytest.approx(expected, abs=0.02)
    assert abs(np.mean([f.calibrated for f in found])) < 0.05


def test_the_level_of_chance_of_cca_is_the_larger_rank_over_the_rows():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 10)), rng.normal(size=(120, 15))
    found = chance_level(np.hstack([x, x]), y, measure="squared_cca")
    assert found.mean == pytest.approx(15 / 119, abs=1e-9)


def test_layers_without_a_closed_form_are_refused():
    with pytest.raises(ValueError, match=r"'squard_cca'; did you mean 'squared_cca'\?"):
        chance_level(*skewed(6, 2, 3), measure="squard_cca")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "measure", ["cka", cka, "squared_cca", svcca, "procrustes", "rsa"]
)
def test_related_layers_stand_out_and_unrelated_ones_do_not(measure):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 60, 5))
    options = {"permutations": 49, "generator": rng}
    related = significance(measure, x, x + 0.5 * y, **options)
    unrelated = significance(measure, x, y, **options)
    assert related.p_value == pytest.approx(0.02) and related.calibrated > 0.3
    assert unrelated.p_value > 0.1 and abs(unrelated.calibrated) < 0.1
    assert related.exact == (measure in ("cka", "squared_cca", cka))
    assert related.rows == 60


def test_a_closed_form_is_what_permutations_come_to():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 6))
    exact = significance("cka", x, y, generator=rng)
    drawn = significance(lambda a, b: cka(a, b), x, y, generator=rng)
    assert exact.exact and not drawn.exact
    error = chance_level(x, y).deviation / 200**0.5
    assert drawn.null == pytest.approx(exact.null, abs=4 * error)


def test_rows_are_drawn_by_the_generator_and_told():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 500, 6))
    first, again, other = (
        significance(
            "cka", x, y, permutations=9, rows=100, generator=np.random.default_rng(seed)
        )
        for seed in (1, 1, 2)
    )
    assert first == again != other and first.rows == 100
    assert first.null == pytest.approx(6 / 105, abs=0.02)  # of 100 rows, not of 500


def test_values_that_chance_gives_alone_are_calibrated_to_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 10, 12))
    with pytest.warns(UserWarning, match=r"9 of 9 canonical correlations are 1"):
        found = significance("squared_cca", x, y, permutations=9, generator=rng)
    assert found.value == pytest.approx(1)
    assert found.calibrated == 0 and found.p_value == 1


@pytest.mark.parametrize("measure", ["cka", lambda X, Y: cka(X, Y)])
def test_the_largest_of_many_pairs_stands_out_by_chance_as_often_as_told(measure):
    rng = np.random.default_rng(0)

    def layers():
        return {str(d): rng.normal(size=(20, d)) for d in (2, 8, 30)}

    options = {"permutations": 19, "generator": rng}
    trials = 100 if measure == "cka" else 20
    least = [
        np.min(layer_significance(measure, layers(), layers(), **options).p_values)
        for _ in range(trials)
    ]
    # Of the least p-value of nine pairs, a share of 0.2 is at most 0.2.
    assert np.mean(np.array(least) <= 0.2) == pytest.approx(
        0.2, abs=3 * 0.4 / trials**0.5
    )


def test_a_related_pair_stands_out_among_wide_layers():
    rng = np.random.default_rng(0)
    x = {"narrow": rng.normal(size=(60, 4)), "wide": rng.normal(size=(60, 300))}
    y = {"narrow": x["narrow"] + 0.5 * rng.normal(size=(60, 4)), "wide": x["wide"] ** 2}
    found = layer_significance("cka", x, y, permutations=99, generator=rng)
    assert found.values["wide", "wide"] > found.values["narrow", "narrow"]
    assert found.calibrated["wide", "wide"] < found.calibrated["narrow", "narrow"]
    assert found.p_values["narrow", "narrow"] == pytest.approx(0.01)
    assert found.values["wide", "narrow"] == pytest.approx(cka(x["wide"], y["narrow"]))
    level = chance_level(x["wide"], y["narrow"])
    assert found.null["wide", "narrow"] == pytest.approx(level.mean)


WRONG = {
    r"^measure is 'ckaa'; did you mean 'cka'\? choose one of cka, cca": {
        "measure": "ckaa"
    },
    r"^permutations is 0 but must be a whole number from 1; 199": {"permutations": 0},
    r"^permutations are drawn by a generator but generator is 3; pass": {
        "generator": 3
    },
    r"^rows is 2 but must be a whole number from 4, e\.g\. 500": {"rows": 2},
    r"^X has 6 rows but Y has 5; pass both representations": {"Y": np.eye(5)},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_refused_before_the_measure_is_asked(message):
    def asked(X, Y):
        raise AssertionError("measured")

    given = {"measure": asked, "X": np.eye(6), "Y": np.eye(6)}
    given |= {"generator": np.random.default_rng(0), **WRONG[message]}
    with pytest.raises(ValueError, match=message):
        significance(**given)


def test_a_wrong_layer_is_told_by_its_name():
    layers = {"conv1": np.eye(6), "dead": np.zeros((6, 2))}
    message = r"^X is layer 'dead', Y is layer 'conv1': X is the same in all 6 rows"
    with pytest.raises(ValueError, match=message):
        layer_significance("cka", layers, layers, generator=np.random.default_rng(0))
