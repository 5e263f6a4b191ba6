import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import data

ENCODINGS = ("bumps", "thermometer", "binary")


@pytest.mark.parametrize(
    "name, letters",
    [
        ("P001", "ABC"),
        ("P014", "AEC"),
        ("P024", "BAF"),
        ("P120", "FED"),
    ],
)
def test_the_functions_bear_the_numbers_of_caruana(name, letters):
    assert data.peaks_task(name) == tuple(letters)


def test_there_are_120_functions_of_three_different_variables():
    assert len(set(data.PEAKS.values())) == 120
    assert all(len(set(letters)) == 3 for letters in data.PEAKS.values())
    assert list(data.PEAKS)[-1] == "P120"


@settings(max_examples=25)
@given(name=st.sampled_from(sorted(data.PEAKS)), seed=st.integers(0, 2**32))
def test_the_first_variable_chooses_between_the_other_two(name, seed):
    drawn = data.peaks(n=20, tasks=[name], seed=seed)
    for row, (target,) in zip(drawn.variables, drawn.targets, strict=True):
        value = dict(zip("ABCDEF", row, strict=True))
        switch, yes, no = data.peaks_task(name)
        assert (target + 1) / 2 == (value[yes] if value[switch] > 0.5 else value[no])


def test_variables_are_uniform_and_independent():
    variables = data.peaks(n=20_000).variables
    assert variables.min() >= 0 and variables.max() < 1
    # 4.5 standard errors of a mean and of a covariance
    assert np.abs(variables.mean(0) - 1 / 2).max() < 4.5 * np.sqrt(1 / 12 / 20_000)
    wrong = np.cov(variables.T) - np.eye(6) / 12
    assert np.abs(wrong).max() < 4.5 * 1 / 12 / np.sqrt(20_000)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ten_inputs_stand_for_each_variable(encoding):
    one = data.peaks(n=50, encoding=encoding, seed=3)
    assert one.inputs.shape == (50, 60) and one.inputs.dtype == np.float32
    assert one.targets.shape == (50, 3) and one.targets.dtype == np.float32
    assert one.inputs.min() >= 0 and one.inputs.max() <= 1
    assert one.targets.min() >= -1 and one.targets.max() < 1


def test_a_thermometer_rises_to_the_value_unit_by_unit():
    drawn = data.peaks(n=200, encoding="thermometer")
    units = drawn.inputs.reshape(200, 6, 10)
    np.testing.assert_allclose(units.mean(2), drawn.variables, atol=1e-6)
    assert (np.diff(units, axis=2) <= 0).all()
    assert ((units > 0) & (units < 1)).sum(2).max() == 1


def test_binary_digits_give_back_the_value_to_one_part_in_1024():
    drawn = data.peaks(n=200, encoding="binary")
    digits = drawn.inputs.reshape(200, 6, 10)
    assert set(np.unique(digits)) == {0, 1}
    value = digits @ (0.5 ** np.arange(1, 11))
    assert ((drawn.variables - value >= 0) & (drawn.variables - value < 2**-10)).all()


def test_bumps_are_gaussians_of_the_distance_to_ten_points():
    drawn = data.peaks(n=200, encoding="bumps")
    distance = drawn.variables[..., None] - np.arange(10) / 9
    expected = np.exp(-((distance * 9) ** 2) / 2)
    np.testing.assert_allclose(drawn.inputs.reshape(200, 6, 10), expected, atol=1e-6)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_linear_model_of_the_code_solves_a_task(encoding):
    drawn = data.peaks(n=5000, encoding=encoding, tasks=["P001"])
    phi = np.column_stack([drawn.inputs, np.ones(5000)])
    rest = drawn.targets - phi @ np.linalg.lstsq(phi, drawn.targets, rcond=1e-6)[0]
    # B and C each explain a quarter of the variance, their choice by A the rest
    assert 0.4 < (rest**2).mean() / drawn.targets.var() < 0.6


def test_encodings_share_their_variables_and_draws_their_beginnings():
    first = data.peaks(n=30, seed=5)
    for encoding in ENCODINGS:
        longer = data.peaks(n=100, encoding=encoding, seed=5)
        np.testing.assert_array_equal(longer.variables[:30], first.variables)
        np.testing.assert_array_equal(longer.targets[:30], first.targets)
    assert not (data.peaks(n=30, seed=6).variables == first.variables).any()


def test_about_says_what_was_generated_and_its_sum_follows_the_values():
    one, same, other = (data.peaks(n=7, seed=s) for s in (1, 1, 2))
    assert one.about.sentence() == (
        "7 generated rows of the peaks functions P001, P014, P120, encoding 'bumps' "
        "(generated after Caruana 1997, Sec. 3.3; licence: none needed; seed 1)."
    )
    assert one.about.sha256 == same.about.sha256 != other.about.sha256


@pytest.mark.parametrize(
    "options, text",
    [
        (
            {"encoding": "bump"},
            "unknown encoding 'bump': expected one of bumps, thermometer, binary; did "
            "you mean 'bumps'?",
        ),
        (
            {"tasks": ["P001", "p014"]},
            "unknown peaks function 'p014': expected one of P001 to P120; did you "
            "mean 'P014'?",
        ),
        (
            {"tasks": []},
            "tasks is [] but must be a sequence of at least one name; ",
        ),
        ({"tasks": "P001"}, "tasks is 'P001' but must be a sequence of at least one"),
        ({"n": 0}, "n is 0 but must be a whole number of at least 1; pass for exam"),
        ({"n": 2.5}, "n is 2.5 but must be a whole number of at least 1; pass"),
        ({"n": True}, "n is True but must be a whole number of at least 1; pass"),
        ({"seed": -1}, "seed is -1 but must be a whole number of at least 0; pass"),
    ],
)
def test_a_wrong_option_is_named_with_the_remedy(options, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        data.peaks(**options)


@given(names=st.tuples(*[st.sampled_from(sorted(data.PEAKS))] * 2))
def test_shared_roles_are_counted_both_ways_and_are_three_of_a_function_with_itself(
    names,
):
    first, second = names
    assert data.shared_roles(first, second) == data.shared_roles(second, first)
    assert (data.shared_roles(first, second) == 3) == (first == second)


def test_nine_functions_share_two_roles_with_another_and_39_share_one():
    shared = [data.shared_roles("P001", name) for name in data.PEAKS]
    assert np.bincount(shared).tolist() == [71, 39, 9, 1]


def test_renaming_variables_keeps_the_roles_that_two_functions_share():
    places, names = data.peaks_renamings(), list(data.PEAKS)
    assert len({tuple(row) for row in places}) == 720
    shared = np.array([[data.shared_roles(a, b) for b in names] for a in names])
    assert (np.sort(places, 1) == np.arange(120)).all()
    assert all((shared[np.ix_(row, row)] == shared).all() for row in places[::37])


def test_a_renamed_function_of_renamed_variables_has_the_same_values():
    drawn = data.peaks(n=30, tasks=list(data.PEAKS))
    row = data.peaks_renamings()[123]
    # Renaming is seen in the functions of one switch: A > 1/2 then B, and so on.
    letters = [data.PEAKS[list(data.PEAKS)[row[i]]] for i in (0, 119)]
    to = dict(zip("ABCFED", [*letters[0], *letters[1]], strict=True))
    for i, name in enumerate(data.PEAKS):
        switch, yes, no = (
            drawn.variables[:, "ABCDEF".index(to[x])] for x in data.peaks_task(name)
        )
        values = 2 * np.where(switch > 0.5, yes, no) - 1
        assert (drawn.targets[:, row[i]] == values.astype(np.float32)).all()
