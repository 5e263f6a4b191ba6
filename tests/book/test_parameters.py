import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils.book.parameters import (
    ParameterError,
    conditions,
    declared,
    settle,
)

CELL = """\
dataset: str = "digits"  # {digits, mnist}: images with classes
encodings: list = ["bumps", "binary"]  # {bumps, thermometer, binary}: codes
step_sizes: list = [0.01, 1.0]  # {0<..}: step sizes tried
width: int = 128  # units per hidden layer

# a comment, and an empty line
share: float = 0.5  # {0..1}: of the rows
step_size: float = 1  # of Adam
seeds: int = 5  # {1..}: networks trained together
control: bool = False  # shuffle
source: str = "P001"  # a task, #1 of many
task: str = "P007"  # {P001..P120}: of which there are 120
images: list = ["drawn"]  # path or {drawn, cifar10}: to train on
optimizer: str = "adam"  # {sgd, adam, ""}: empty for none
data_dir: str = ""  # existing path: folder with real data
checkpoints: str = ""  # path: folder to make
# {seeds < width}: no unit is left without a seed
"""
PARAMETERS = declared(CELL)


def _settled(*layers):
    return settle(CELL, "05_tiny", [(layer, Path("/")) for layer in layers])


def _checked(name, value):
    return PARAMETERS[name].check(value)


def test_a_cell_declares_types_defaults_choices_ranges_and_help():
    dataset, share, task = (PARAMETERS[n] for n in ("dataset", "share", "task"))
    assert list(PARAMETERS)[:3] == ["dataset", "encodings", "step_sizes"]
    assert (dataset.type, dataset.default) == ("str", "digits")
    assert dataset.choices == ("digits", "mnist")
    assert dataset.help == "images with classes"
    assert (share.limits, share.help) == ("0..1", "of the rows")
    assert (task.choices[0], task.choices[-1], len(task.choices)) == (
        "P001",
        "P120",
        120,
    )
    assert PARAMETERS["source"].help == "a task, #1 of many"


def test_a_default_may_hold_what_looks_like_a_comment():
    (colour,) = declared('colour: str = "µµµµµ # 1"  # of the line').values()
    assert (colour.default, colour.help) == ("µµµµµ # 1", "of the line")


@pytest.mark.parametrize(
    "line",
    [
        "seeds = 5  # no type",
        "seeds: int  # no value",
        "seeds: int = 5",
        "seeds: int = 5  #",
        "seeds: complex = 5  # a type that is not known",
        "seeds: int = 2 * n  # not a plain value",
        "seeds: int = = 5  # a slip of the hand",
        "import torch  # not a parameter",
        "n: int = 5; m: int = 6  # two",
        "step_sizes: list = [  # over lines",
        "    seeds: int = 5  # indented",
    ],
)
def test_a_malformed_line_is_named_with_the_form_that_is_expected(line):
    message = (
        f"parameters cell has the line {line!r}; expected "
        "'name: type = value  # comment' on one line, with the type one of "
        "int, float, str, bool, list"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        declared(f"width: int = 3  # fine\n{line}\n")


@pytest.mark.parametrize(
    "line, message",
    [
        ("n: int = 0  # {1..}: rows", "n is 0; expected int in 1.., for example 0"),
        ("n: int = 'a'  # rows", "n is 'a'; expected int, for example 'a'"),
        ("on: int = True  # a switch", "on is True; expected int, for example True"),
        ("x: str = 'c'  # {a, b}: one", "x is 'c'; choose one of a, b"),
        ("x: list = []  # some", "x is []; expected list, for example []"),
    ],
)
def test_a_default_has_to_fit_its_own_declaration(line, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        settle(line, "05_tiny", [])


def test_an_unknown_name_is_an_error_with_the_nearest_known_one():
    message = (
        "05_tiny has no parameter 'sedes'; did you mean 'seeds'? it takes dataset, "
        "encodings, step_sizes, width, share, step_size, seeds, control, source, "
        "task, images, optimizer, data_dir, checkpoints"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        _settled({"sedes": 2})


def test_an_unknown_name_near_to_none_is_an_error_without_a_guess():
    with pytest.raises(ParameterError, match=r"parameter 'qqq'; it takes dataset, enc"):
        _settled({"qqq": 2})
    with pytest.raises(ParameterError, match=r"has no parameter 7; it takes dataset"):
        _settled({7: 2})


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("seeds", 2, 2),
        ("seeds", "2", 2),
        ("share", 1, 1.0),
        ("share", "1e-3", 1e-3),
        ("step_size", "-2.5E+3", -2500.0),
        ("control", "true", True),
        ("control", False, False),
        ("step_sizes", "[0.1, 1e-2, 3]", [0.1, 0.01, 3.0]),
        ("encodings", "[thermometer]", ["thermometer"]),
        ("source", "010", "010"),
        ("source", "1e-3", "1e-3"),
        ("source", "yes", "yes"),
        ("source", "", ""),
        ("dataset", "mnist", "mnist"),
        ("seeds", "010", 10),
        ("step_sizes", "0.1, 1", [0.1, 1.0]),
        ("step_sizes", "0.1", [0.1]),
        ("encodings", "bumps,binary", ["bumps", "binary"]),
        ("optimizer", "", ""),
        ("task", "P120", "P120"),
    ],
)
def test_values_arrive_in_the_declared_type(name, value, expected):
    checked = _checked(name, value)
    assert checked == expected
    assert type(checked) is type(expected)
    if isinstance(expected, list):
        assert [type(item) for item in checked] == [type(item) for item in expected]


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("seeds", "2.5", "seeds is '2.5'; expected int in 1.., for example 5"),
        ("seeds", "many", "seeds is 'many'; expected int in 1.., for example 5"),
        ("seeds", "1e3", "seeds is '1e3'; expected int in 1.., for example 5"),
        ("seeds", "{a", "seeds is '{a'; expected int in 1.., for example 5"),
        ("seeds", "1:30", "seeds is '1:30'; expected int in 1.., for example 5"),
        ("step_sizes", 0.1, "step_sizes is 0.1; expected list of float above 0, for e"),
        ("step_sizes", "1, 1.0", "step_sizes is ['1', '1.0']; give each value once"),
        ("seeds", "", "seeds is ''; expected int in 1.., for example 5"),
        ("seeds", True, "seeds is True; expected int in 1.., for example 5"),
        ("share", True, "share is True; expected finite float in 0..1, for example 0"),
        ("share", "[1]", "share is '[1]'; expected finite float in 0..1, for exampl"),
        ("control", 1, "control is 1; expected bool, for example False"),
        ("control", "1", "control is '1'; expected bool, for example False"),
        ("control", "yes", "control is 'yes'; expected bool, for example False"),
        ("control", "maybe", "control is 'maybe'; expected bool, for example False"),
        ("source", 8, "source is 8; expected str, for example 'P001'"),
        (
            "step_sizes",
            "[]",
            "step_sizes is []; expected list of float above 0, for ex",
        ),
        (
            "step_sizes",
            "[a]",
            "step_sizes is 'a'; expected list of float above 0, for e",
        ),
        (
            "step_sizes",
            [True],
            "step_sizes is True; expected list of float above 0, for e",
        ),
        ("encodings", [1], "encodings is 1; choose one of bumps, thermometer, binary"),
    ],
)
def test_a_value_of_another_type_is_an_error_with_an_example(name, value, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        _checked(name, value)


@pytest.mark.parametrize(
    "name, value, message",
    [
        (
            "dataset",
            "mnits",
            "dataset is 'mnits'; choose one of digits, mnist; did you mean 'mnist'?",
        ),
        ("dataset", "x", "dataset is 'x'; choose one of digits, mnist"),
        (
            "encodings",
            "[bumps, binnary]",
            "encodings is 'binnary'; choose one of bumps, thermometer, binary; "
            "did you mean 'binary'?",
        ),
        ("seeds", 0, "seeds is 0; expected int in 1.., for example 5"),
        ("share", 1.5, "share is 1.5; expected finite float in 0..1, for example 0.5"),
        ("share", -1, "share is -1; expected finite float in 0..1, for example 0.5"),
        (
            "step_sizes",
            "0.1, 0",
            "step_sizes is '0'; expected list of float above 0, "
            "for example [0.01, 1.0]",
        ),
        (
            "share",
            "nan",
            "share is 'nan'; expected finite float in 0..1, for example 0.5",
        ),
        (
            "step_size",
            "1e999",
            "step_size is '1e999'; expected finite float, for example 1",
        ),
        ("task", "Q", "task is 'Q'; choose one of P001..P120"),
        ("task", "P1", "task is 'P1'; choose one of P001..P120"),
    ],
)
def test_a_value_outside_choices_or_range_is_an_error(name, value, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        _checked(name, value)


@given(value=st.floats())
def test_a_range_admits_the_finite_values_within_it_and_no_other(value):
    if 0 <= value <= 1:
        assert _checked("share", value) == value
    else:
        with pytest.raises(ParameterError, match=r"expected finite float in 0..1, for"):
            _checked("share", value)


def test_later_layers_overlay_earlier_ones_and_the_defaults():
    values = _settled({"seeds": 2, "width": 64}, {"seeds": 3}, {"source": "P002"})
    assert (values["seeds"], values["width"]) == (3, 64)
    assert (values["source"], values["dataset"]) == ("P002", "digits")
    assert list(values) == list(PARAMETERS)
    assert type(values["step_size"]) is float  # declared as 1


def test_a_path_starts_at_the_folder_of_the_layer_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    layers = [({"checkpoints": "data"}, tmp_path / "a"), ({}, tmp_path / "b")]
    assert settle(CELL, "s", layers)["checkpoints"] == str(tmp_path / "a/data")
    layers[1][0]["checkpoints"] = "../data"
    assert settle(CELL, "s", layers)["checkpoints"] == str(tmp_path / "data")
    assert _settled({"checkpoints": "/data"})["checkpoints"] == "/data"
    assert _settled({"checkpoints": "~/x"})["checkpoints"] == str(tmp_path / "x")
    assert _settled({"checkpoints": ""})["checkpoints"] == ""


def test_a_path_may_stand_where_a_choice_does_if_it_is_there(tmp_path):
    (tmp_path / "mine").mkdir()
    found = settle(CELL, "s", [({"images": "drawn, mine"}, tmp_path)])["images"]
    assert found == ["drawn", str(tmp_path / "mine")]
    assert PARAMETERS["images"].told(found) == ["drawn", "set"]
    message = (
        f"images is 'drwan'; choose one of drawn, cifar10, or a path; there is no "
        f"{tmp_path}/drwan; did you mean 'drawn'?"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        settle(CELL, "s", [({"images": ["drwan"]}, tmp_path)])


def test_a_path_that_has_to_exist_is_looked_for(tmp_path):
    message = f"^data_dir is 'none'; there is no {tmp_path}/none$"
    with pytest.raises(ParameterError, match=message):
        settle(CELL, "s", [({"data_dir": "none"}, tmp_path)])


def test_a_path_to_write_is_refused_where_nothing_can_be_written(tmp_path, monkeypatch):
    # Not by its mode: the administrator of a machine may write anywhere.
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    message = f"checkpoints is 'a/b'; {tmp_path} cannot be written, name another"
    with pytest.raises(ParameterError, match=f"^{message}$"):
        settle(CELL, "s", [({"checkpoints": "a/b"}, tmp_path)])


def test_a_condition_between_parameters_is_checked_on_the_values_together():
    assert _settled({"seeds": 200}, {"width": 201})["seeds"] == 200
    message = (
        "width is 128 and seeds is 128; expected seeds < width: no unit is left "
        "without a seed"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        _settled({"seeds": 128})


@pytest.mark.parametrize("expression", ["rows < 3", "n <", "open('x')", "n < 'a'"])
def test_a_condition_that_is_none_is_named(expression):
    (condition,) = conditions(f"n: int = 3  # rows\n# {{{expression}}}: why\n")
    message = rf"^parameters cell has the condition {re.escape(repr(expression))}; expe"
    with pytest.raises(ParameterError, match=message):
        condition.check({"n": 3})
