import pytest
import yaml

from repalign_utils.book.plain_yaml import read_yaml


@pytest.mark.parametrize("text", ["010", "1e-3", "1:30", "no", "null", "2026-01-02"])
def test_what_is_written_is_what_is_read(text):
    assert read_yaml(f"at: [{text}]") == {"at": [text]}


def test_a_key_that_stands_twice_is_an_error_that_says_where():
    with pytest.raises(yaml.YAMLError, match=r"'n' stands twice[^$]*line 3, column 1"):
        read_yaml("n: 1\nm: 2\nn: 3\n")
