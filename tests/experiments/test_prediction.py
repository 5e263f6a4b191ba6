"""Sources and targets of images."""

import re

import pytest

from repalign_utils.experiments.prediction import image_tasks

AMOUNTS = {"n_source": 4, "n_target": 6, "n_test": 5, "size": 16}


def test_a_target_shares_no_image_with_its_sources_or_its_tests():
    for setting in ("families", "domains"):
        tasks = image_tasks(setting, **AMOUNTS)
        sets = [
            *tasks.sources.values(),
            *(p for t in tasks.targets.values() for p in t),
        ]
        drawn = [image.tobytes() for each in sets for image in each.images]
        assert len(set(drawn)) == len(drawn)


def test_domains_are_never_their_own_target_and_families_are():
    domains, families = (
        image_tasks(s, **AMOUNTS).pairs for s in ("domains", "families")
    )
    assert len(domains) == 6 and all(a != b for a, b in domains)
    assert len(families) == 4 and sum(a == b for a, b in families) == 2


def test_a_setting_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=re.escape("'domain'; did you mean 'domains'")):
        image_tasks("domain", **AMOUNTS)
