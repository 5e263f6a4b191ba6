import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from repalign_utils.book.parameters import ParameterError, declared
from repalign_utils.book.parameters_cell import check_parameters, with_values

CELL = """\
n: int = 100  # {10..}: rows
label: str = "µ # 1"  # of the line
rates: list = [0.1, 1.0]  # {0<..}: tried
# {len(rates) <= n}: one row each
folder: str = ""  # path: of data
"""


def _held(source):
    namespace = {}
    exec(source, namespace)
    return {name: namespace[name] for name in declared(source)}


@given(
    first=st.integers(10), second=st.integers(10), label=st.text(), rate=st.floats(1, 9)
)
def test_a_cell_holds_the_values_it_was_given_last_and_knows_its_defaults(
    first, second, label, rate
):
    cell = with_values(CELL, {"n": first, "label": label, "rates": [rate]})
    assert _held(cell) == {"n": first, "label": label, "rates": [rate], "folder": ""}
    again = with_values(cell, {"n": second})
    assert _held(again) == {**_held(cell), "n": second}
    for old, new in zip(declared(CELL).values(), declared(again).values(), strict=True):
        assert old == new


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A function that runs cells as a notebook does; gives what the last one shows."""
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell.instance()
    shell.reset()
    shell.user_ns["check_parameters"] = check_parameters

    def run(*cells):
        for cell in cells:
            with capture_output() as shown:
                shell.run_cell(cell, store_history=True).raise_error()
        return "".join(o.data.get("text/markdown", "") for o in shown.outputs)

    run.namespace = shell.user_ns
    yield run
    InteractiveShell.clear_instance()


CHECK = "check_parameters(globals())"


def test_the_table_shows_what_is_in_force_however_it_came_there(notebook):
    first = notebook(with_values(CELL, {"n": 50}), CHECK)
    assert "| `n` | `50` | `100` | rows |" in first
    set_below = notebook('n = 40\nrates = "1, 2"\nfolder = "data"', CHECK)
    assert "| `n` | `40` | `100` | rows |" in set_below
    assert "| `rates` | `1.0`, `2.0` | `0.1`, `1.0` |" in set_below
    assert "| `folder` | `set` | (empty) | of data |" in set_below
    assert notebook.namespace["rates"] == [1.0, 2.0]
    edited = notebook(CELL.replace("100", "30"), CHECK)
    assert "| `n` | `30` | `30` | rows |" in edited


def test_what_does_not_fit_is_an_error_in_the_notebook_too(notebook):
    with pytest.raises(ParameterError, match=r"^n is 9; expected int in 10"):
        notebook(CELL, "n = 9", CHECK)
    message = r"^n is 10 and rates is \[1.0, .*\]; expected len\(rates\) <= n: one row"
    with pytest.raises(ParameterError, match=message):
        notebook(CELL, "n = 10\nrates = [float(i + 1) for i in range(11)]", CHECK)


def test_without_a_parameters_cell_the_error_says_what_to_run(notebook):
    with pytest.raises(ParameterError, match="no parameters cell has run; run the ce"):
        notebook("x = 3", CHECK)
