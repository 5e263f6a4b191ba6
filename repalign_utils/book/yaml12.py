"""YAML as version 1.2 reads it: ``010`` is ten, ``1e-3`` a number and ``no`` a word.

PyYAML reads version 1.1, in which ``010`` is eight, ``1:30`` ninety, ``1e-3`` text and
``no`` false. The core schema of 1.2 is what readers expect, and what JSON means.
"""

import re

import yaml

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SCHEMA = {  # in this order: what fits the first pattern is of its kind
    "null": (re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    "int": (_INT, list("-+0123456789")),
    "float": (_FLOAT, list("-+0123456789.")),
}


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2; a key that stands twice is an error."""

    yaml_implicit_resolvers: dict = {}

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                where = node.value[i][0].start_mark
                words = f"{key!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, words, where)
        return super().construct_mapping(node, deep=deep)


def _integer(loader, node) -> int:
    text = loader.construct_scalar(node)
    # Python's base 0 takes 0o and 0x, but no zero before a decimal number.
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


for _kind, (_pattern, _first) in _SCHEMA.items():
    _whole = re.compile(rf"^(?:{_pattern.pattern})$")
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _whole, _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_yaml(text: str):
    """Parse YAML 1.2.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML, or a key stands twice in a mapping.

    Examples
    --------
    >>> read_yaml("{n: 010, step: 1e-3, at: 1:30, on: yes, off: false}")
    {'n': 10, 'step': 0.001, 'at': '1:30', 'on': 'yes', 'off': False}
    """
    return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
