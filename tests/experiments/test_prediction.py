"""Scores of source networks on targets of images, before and after fine-tuning."""

import re

import numpy as np
import pytest

from repalign_utils import convnet
from repalign_utils.experiments.prediction import image_tasks, pair_result
from repalign_utils.networks.device import Compute
from repalign_utils.training import Recipe

AMOUNTS = {"n_source": 4, "n_target": 6, "n_test": 5, "size": 16}
SHORT = Recipe(epochs=1, batch_size=16, augment="none")


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


def test_scores_follow_the_labels_they_are_told_and_accuracies_do_not():
    tasks = image_tasks("families", **AMOUNTS)
    parts = tasks.targets["artificial"]
    net = convnet("cb8 p cb16", 8, size=16)
    labels = np.random.default_rng(0).permutation(parts[0].labels)
    plain = {"size": 16, "compute": Compute("cpu")}
    honest = pair_result(net, parts, SHORT, **plain)
    mixed = pair_result(net, parts, SHORT, labels=labels, **plain)
    accuracies = [(r.linear, r.tuned, r.short) for r in (honest, mixed)]
    assert accuracies[0] == accuracies[1]
    assert len(honest.scores.values()) == 11 and not honest.scores.left_out
    assert honest.scores["label_cka"] > mixed.scores["label_cka"]
