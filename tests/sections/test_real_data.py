"""Sections run on real data."""

import pytest

from tests.conftest import ROOT
from tests.miniature import repalign
from tests.sections.running import SMALL, found_of, run

pytestmark = pytest.mark.section


def least(record, quantity):
    """Value of the seed that shows the least of it."""
    return min(record["records"][quantity]["values"])


def test_a_run_on_real_data_says_which_and_how_much(real_data, tmp_path):
    given = {"data_dir": real_data, "wide_seeds": 1, "seeds": 5, "max_epochs": 2}
    given |= {"classification": "mnist", "n_images": 400, "regression": "ct_slices"}
    record = run("02", tmp_path, given)
    images, slices = record["provenance"]["data"]
    assert images.startswith("400 of 70,000 rows of MNIST")
    assert "682 of 53,500 rows" in slices
    found = found_of(record)
    assert found["02.input.gap.classification"] == "reproduced"
    assert found["02.input.gap.regression"] == "reproduced"


def test_real_ct_slices_are_learnt_as_their_alignment_says(real_data, tmp_path):
    given = {"dataset": "ct_slices", "data_dir": real_data, "seeds": 3}
    given |= {"steps": 100, "width": 200, "deep_epochs": 5}
    record = run("01", tmp_path, given)
    assert "682 of 53,500 rows" in record["provenance"]["data"][0]
    assert found_of(record)["01.identity.error"] == "reproduced"
    assert found_of(record)["01.bound.excess"] == "reproduced"


def test_depth_and_width_raise_alignment_on_real_images_and_slices(real_data, tmp_path):
    given = {"dataset": "real", "n": 400, "data_dir": real_data}
    record = run("03", tmp_path, SMALL["03"] | given)
    images, slices = record["provenance"]["data"]
    assert images.startswith("400 of 70,000 rows of MNIST")
    assert slices.startswith("400 of 53,500 rows")
    for sweep in ("depth", "width"):
        for task in ("classification", "regression"):
            assert least(record, f"03.gain.{sweep}.{task}") > 0


def test_layers_of_networks_on_cifar_are_better_aligned_towards_the_output(
    real_data, tmp_path
):
    given = {"dataset": "cifar10", "classes": "[airplane, automobile]"}
    record = run("04", tmp_path, SMALL["04"] | given | {"data_dir": real_data})
    assert record["provenance"]["data"][0].startswith("100 of 60,000 rows of CIFAR-10")
    for quantity in ("04.least_step.mlp", "04.rise.mlp", "04.gain.mlp"):
        assert least(record, quantity) > 0


def test_a_network_of_imagenet_is_better_aligned_with_cifar_than_untrained(
    real_data, tmp_path
):
    given = {"networks": "[squeezenet1_0, small_resnet]", "data_dir": real_data}
    given |= {"recipes": "[cifar10 10 1/2, cifar100 2 1/2]", "picture_size": 16}
    given |= {"datasets": "[cifar10, cifar100]", "size": 64, "seeds": 2}
    given |= {"n_per_class": 20, "n_test": 5}
    record = run("06", tmp_path, given)
    images = record["provenance"]["data"]
    assert images[0].startswith("200 of 60,000 rows of CIFAR-10, train split")
    assert images[3].startswith("200 of 60,000 rows of CIFAR-100, test split")
    assert record["provenance"]["weights"].keys() == {"squeezenet1_0"}
    assert least(record, "06.gap.pairs.untrained") > 0
    assert least(record, "06.gap.rest.untrained") > 0
    # those trained on the other data set, and the one of ImageNet
    assert len(record["records"]["06.rank.trained.cifar10"]["values"]) == 3


def test_sources_of_cifar100_and_targets_of_cifar10_are_used_as_said(
    real_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("REPALIGN_DATA", str(real_data))
    given = {"source": "cifar100", "target": "cifar10", "classes": 5, "seeds": 1}
    record = run("07", tmp_path, SMALL["07"] | {"n_per_class": 40} | given)
    sources, targets = (record["provenance"]["data"][i] for i in (0, 2))
    assert sources.startswith("200 of 60,000 rows of CIFAR-100, train split")
    assert "40 of each of 5 classes" in sources
    assert targets.startswith("60 of 60,000 rows of CIFAR-10, train split")
    assert "4 of these kept" in targets


def test_a_domain_of_office_is_learnt_from_each_kind_of_source(real_data, tmp_path):
    given = {"dataset": "office31", "data_dir": real_data, "n_target": "[3, 0]"}
    given |= {"source_epochs": 1, "epochs": "[1, 2]", "seeds": 1, "other_seeds": 1}
    record = run("08", tmp_path, given | {"device": "cpu"})
    images = {"amazon": "1,321", "dslr": "248", "webcam": "368"}
    said = record["provenance"]["data"]
    for text, (domain, rows) in zip(said, images.items(), strict=False):
        assert text.startswith(f"{rows} of 4,110 rows of Office-31, domain {domain}")
    assert len(said) == 4 and said[3].startswith("1,496 of 4,110 rows")
    sources = ("dslr", "webcam", "other_task", "shuffled_labels", "same_domain")
    for amount in ("3", "all"):
        names = {f"08.gain.{source}.{amount}" for source in sources}
        assert names <= record["records"].keys()


def test_early_layers_of_networks_on_cifar_converge_first(real_data, tmp_path):
    given = {"dataset": "cifar10", "data_dir": real_data, "n_per_class": 60}
    given |= {"alike": "[cat, dog, automobile, truck, frog]", "pairs": 2}
    record = run("10", tmp_path, SMALL["10"] | given | {"epochs": 6})
    images, tests = record["provenance"]["data"]
    assert images.startswith("600 of 60,000 rows of CIFAR-10, train split")
    assert tests.startswith("300 of 60,000 rows of CIFAR-10, test split")
    assert max(record["records"]["10.order"]["values"]) < 0


def test_a_section_says_where_real_data_belong_if_there_are_none(tmp_path):
    done = repalign(
        ROOT, "run", "01", "-p", "dataset", "ct_slices", "-p", "data_dir", str(tmp_path)
    )
    assert done.returncode == 1
    assert "DataMissing" in done.stderr and "ct_phantom" in done.stderr
    assert "Traceback" not in done.stderr
