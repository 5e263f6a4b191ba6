import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils.book.yaml12 import read_yaml


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_way_to_write_a_float_reads_as_that_float(value):
    for text in (f"{value!r}", f"{value:.17e}", f"{value:.17E}".replace("E+", "E")):
        assert read_yaml(f"step_size: {text}") == {"step_size": value}


@given(value=st.integers(), zeros=st.integers(0, 3))
def test_an_integer_is_decimal_whatever_zeros_lead_it(value, zeros):
    sign, digits = "-" * (value < 0), str(abs(value))
    assert read_yaml(sign + "0" * zeros + digits) == value


@pytest.mark.parametrize("text", ["0x1F", "0o37", "31", "+31"])
def test_hexadecimal_and_octal_numbers_say_so(text):
    assert read_yaml(f"[{text}]") == [31]


@pytest.mark.parametrize(
    "text",
    ["1:30", "yes", "no", "on", "2026-01-02", "1_000", "0b11", "1e", "P001", "="],
)
def test_what_version_1_1_took_for_something_else_is_text(text):
    assert read_yaml(f"[{text}]") == [text]


def test_a_key_that_stands_twice_is_an_error_that_says_where():
    with pytest.raises(yaml.YAMLError, match=r"'n' stands twice[^$]*line 3, column 1"):
        read_yaml("n: 1\nm: 2\nn: 3\n")
