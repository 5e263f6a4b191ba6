"""Small runs of sections, each beside its negative control."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from tests.sections.running import SMALL, run


@pytest.fixture(scope="module")
def controlled(tmp_path_factory):
    """Records of a small run and of the same with its negative control, by section."""
    folder = tmp_path_factory.mktemp("controlled")

    @cache
    def both(section):
        given = [SMALL[section] | {"control": c} for c in ("false", "true")]
        with ThreadPoolExecutor() as pool:  # two processes of one thread each
            runs = [pool.submit(run, section, folder / g["control"], g) for g in given]
        return [done.result()["records"] for done in runs]

    return both
