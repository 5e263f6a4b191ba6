"""Names are told where they went, and the places exist."""

import importlib
import re

import pytest

from repalign_utils._moved import MOVED

TOLD = re.compile(
    r"repalign_utils\.(\w+) is now (?:in )?(repalign_utils\.[\w.]+); "
    r"its public names come from repalign_utils itself"
)


@pytest.mark.parametrize("old", MOVED)
def test_who_imports_an_old_module_is_told_where_it_is(old):
    with pytest.raises(ModuleNotFoundError) as told:
        importlib.import_module(f"repalign_utils.{old}")
    name, place = TOLD.fullmatch(str(told.value)).groups()
    assert name == old
    assert importlib.import_module(place)


def test_each_way_of_importing_an_old_module_says_so():
    with pytest.raises(ModuleNotFoundError, match=TOLD):
        from repalign_utils import spectral  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=TOLD):
        from repalign_utils.spectral import alignment  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=TOLD):
        import repalign_utils.pretrain.sources  # noqa: F401


def test_names_of_modules_that_are_rooms_now_are_where_they_were():
    from repalign_utils import build, data, fit, networks, training
    from repalign_utils.data import procedural

    assert networks.build is build
    assert training.fit is fit
    assert procedural.procedural_images is data.procedural_images
