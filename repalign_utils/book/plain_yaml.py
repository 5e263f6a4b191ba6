"""YAML as it is written: ``010``, ``1e-3`` and ``no`` are text until a type is known.

PyYAML would guess a type by the rules of YAML 1.1, in which ``010`` is eight, ``1:30``
ninety, ``1e-3`` text and ``no`` false. Who reads knows which type is meant.
"""

from pathlib import Path

import yaml


class _Loader(yaml.BaseLoader):
    """Every scalar as text; a key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                where = node.value[i][0].start_mark
                words = f"{key!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, words, where)
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str):
    """Parse YAML into mappings, lists and text.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML, or a key stands twice in a mapping.

    Examples
    --------
    >>> read_yaml("{n: 010, step: 1e-3, sizes: [1, 2], on: yes, empty:}")
    {'n': '010', 'step': '1e-3', 'sizes': ['1', '2'], 'on': 'yes', 'empty': ''}
    """
    return yaml.load(text, _Loader)  # noqa: S506 (a loader of text alone)


def read_mapping(file: Path, refused: type[Exception]) -> dict:
    """Mapping in a YAML file; an empty file is an empty one.

    Parameters
    ----------
    file : to read
    refused : class of the error to raise

    Raises
    ------
    refused
        If the file cannot be read, is not YAML or holds something else.
    """
    try:
        values = read_yaml(file.read_text()) or {}
    except OSError as error:
        raise refused(f"{file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refused(
            f"{file.name} is not YAML: {error}; expected lines 'name: value'"
        ) from error
    if not isinstance(values, dict):
        raise refused(f"{file.name} holds {values!r}; expected lines 'name: value'")
    return values
