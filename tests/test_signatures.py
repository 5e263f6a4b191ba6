"""Options go by name: what is given by place says what the call is about."""

import dataclasses
import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import repalign_utils
from repalign_utils import alignment


def public_modules():
    found = pkgutil.walk_packages(repalign_utils.__path__, "repalign_utils.")
    names = [module.name for module in found]
    return [name for name in names if "._" not in name]


def callables_of(module):
    """Public functions, classes that are no plain records, and their methods."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value):
            for key, method in vars(value).items():
                own = key == "__init__" and not dataclasses.is_dataclass(value)
                if inspect.isfunction(method) and (own or not key.startswith("_")):
                    yield f"{name}.{key}", method
        elif inspect.isfunction(value):
            yield name, value


@pytest.mark.parametrize("module", ["repalign_utils", *public_modules()])
def test_only_the_first_choice_of_a_call_may_go_by_place(module):
    for name, function in callables_of(import_module(module)):
        by_place = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is not parameter.empty
            and parameter.kind is not parameter.KEYWORD_ONLY
        ]
        assert len(by_place) <= 1, f"{module}.{name}"
        assert not any(isinstance(p.default, bool) for p in by_place), name


def test_an_option_of_alignment_by_place_is_refused():
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3"):
        alignment(np.eye(2), [1.0, -1.0], "svd")  # pyright: ignore
