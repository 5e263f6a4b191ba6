"""Sections run with parameters of one's own: controls, real data, the same seed."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from repalign_utils.book import claims, verdicts
from repalign_utils.comparison import agreement, difference
from tests.conftest import ROOT
from tests.miniature import repalign
from tests.sections.running import run, values

pytestmark = pytest.mark.section
CLAIMS = claims.read_claims(ROOT / "claims.yaml")


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


def found_of(record):
    """Verdict of each quantity that a claim is about."""
    mine = verdicts.recorded(CLAIMS, record)
    judged = verdicts.judge(mine, {record["section"]: record})
    return {f.setting.quantity: f.verdict for j in judged for f in j.findings}


def least(record, quantity):
    """Value of the seed that shows the least of it."""
    return min(record["records"][quantity]["values"])


# Small settings in which a section still shows what it is about.
SMALL = {
    "01": {
        "n": 200,
        "width": 200,
        "steps": 100,
        "deep_epochs": 60,
        "deep_width": 64,
        "seeds": 4,
    },
    "02": {
        "n_slices": 200,
        "shares": "[0.0, 0.5, 1.0]",
        "max_epochs": 60,
        "seeds": 4,
        "wide_seeds": 1,
    },
    "03": {
        "depths": "[1, 8]",
        "widths": "[32, 128]",
        "optimizers": "[adam]",
        "activations": "[linear]",
        "batch_sizes": "[64]",
        "n": 200,
        "max_epochs": 30,
        "seeds": 4,
    },
    "04": {
        "n_per_class": 50,
        "epochs": 30,
        "seeds": 4,
        "image_seeds": 1,
        "image_epochs": 1,
    },
    "05": {"encodings": "[thermometer]", "n": 3000, "seeds": 4},
    "06": {
        "recipes": "[procedural 10 1/6, procedural 60 1/3/8]",
        "n_per_class": 40,
        "n_test": 20,
    },
    "07": {"n_per_class": 60, "n_target": 15, "seeds": 4},
    "08": {
        "n_source": 24,
        "n_target": "[0]",
        "source_epochs": 20,
        "epochs": "[2, 12]",
        "seeds": 4,
        "other_seeds": 1,
    },
    "09": {"layers": "c12 c12 c12 f24", "pairs": 4, "epochs": 6, "clusters": 4},
    "10": {
        "n_per_class": 60,
        "n_test": 30,
        "epochs": 12,
        "batch_size": 32,
        "n_compare": 400,
        "pairs": 4,
    },
    "11": {
        "n_per_class": 20,
        "n_test": 40,
        "network": "cb16 cb16 cb32/2 cb32",
        "epochs": 20,
        "kept": "[1, 4, 8, 16]",
        "widths": "[0.25, 1.0]",
        "shares": "[0.0, 1.0]",
        "seeds": 4,
    },
    "12": {
        "gains": "[1.1, 1.8]",
        "image_gains": "[0.5, 1.0]",
        "depth": 8,
        "width": 60,
        "epochs": 900,
        "dx": "[0.5, 1.0]",
        "dy": "[0.5, 1.0]",
        "seeds": 4,
    },
    "13": {
        "n": 1000,
        "tuned": 8,
        "steps": 80,
        "n_image": 10,
        "image_epochs": 1,
        "image_seeds": 1,
        "seeds": 4,
    },
    "14": {"others": "[peaks]", "n": 150, "pairs": 8, "seeds": 4},
    "18": {
        "n_per_class": 30,
        "depth": 3,
        "width": 32,
        "epochs": 20,
        "rows": 100,
        "sizes": "[60, 120]",
        "units": "[8, 16]",
    },
}
for section, given in SMALL.items():
    if section != "14":  # no device to choose: NumPy alone
        given["device"] = "cpu"
BELOW = {s.quantity for c in CLAIMS for s in c.settings if s.relation == "below"}


@pytest.mark.parametrize(
    "quantity",
    [
        "01.order.agrees",
        "01.shuffled.gap",
        "01.shuffled.slower",
        "02.input.gap.classification",
        "02.input.gap.regression",
        "02.gain.classification.true.narrow",
        "02.over_inputs.classification.true.narrow",
        "02.gain.classification.shuffled.narrow",
        "02.share.inputs_lose.classification",
        "02.share.layer_keeps.classification",
        "02.follows.untrained.classification",
        "02.hidden.regression",
        "03.gain.depth.classification",
        "03.gain.depth.regression",
        "03.depth.end.regression",
        "04.least_step.mlp",
        "04.rise.mlp",
        "04.beyond_input.mlp",
        "04.gain.mlp",
        "05.alignment.related.thermometer",
        "05.rank.all.thermometer",
        "05.rank.none.thermometer",
        "05.graded.error.thermometer",
        "06.gap.pairs.pixels",
        "06.gap_above_chance.rest.untrained",
        "06.learnt.untrained",
        "06.accuracy.untrained",
        "06.rank.trained",
        "07.alignment.artificial.cnn",
        "07.both.alignment.cnn",
        "08.order.linear",
        "08.gain.same_domain.all",
        "09.spread.last",
        "09.subspace.first",
        "09.several.first",
        "09.sparse_fall",
        "09.learned.last",
        "10.loss.fc1",
        "10.lead.fc1",
        "10.order.progress",
        "10.freeze.accuracy",
        "10.between.first",
        "10.between.out",
        "11.toy.mean",
        "11.toy.svcca",
        "11.closer.later",
        "11.stable.held_out",
        "11.wider.calibrated",
        "11.noise.slower",
        "11.noise.error",
        "12.error.relu",
        "12.layer.first",
        "12.off.rich",
        "12.merged.rich",
        "12.images.rich",
        "12.structure.rich",
        "12.gain.rich_less_lazy",
        "13.above.linear",
        "13.order.linear.alignment_area",
        "13.over_short.linear",
        "13.kept.linear",
        "14.fewer.classification.captured",
        "14.fewer.regression.captured",
        "14.fewer.classification.residual",
        "14.plane.stretched",
        "14.gain.turned",
        "14.gain.textured",
        "14.early",
        "18.agree.layers",
        "18.depth.cka",
        "18.agree.scores",
        "18.told.scores",
    ],
)
def test_the_negative_control_takes_the_effect_away(controlled, quantity):
    honest, control = (r[quantity]["values"] for r in controlled(quantity[:2]))
    more, less = (control, honest) if quantity in BELOW else (honest, control)
    assert sum(more) / len(more) > sum(less) / len(less)
    assert difference(quantity, honest, control).errors > 2


def test_no_check_holds_of_predictions_from_other_features(controlled):
    quantities = ("01.identity.error", "01.bound.excess", "01.divergence.predicted")
    honest, control = controlled("01")
    told = [
        {"section": "01_alignment", "form": 3, "records": r} for r in (honest, control)
    ]
    found = [[found_of(r)[q] for q in quantities] for r in told]
    assert found == [["reproduced"] * 3, ["not reproduced"] * 3]


def test_a_run_with_shuffled_labels_does_not_agree_with_an_honest_one(controlled):
    honest, control = map(values, controlled("05"))
    assert agreement(honest, honest).reasons == []
    assert agreement(honest, control).reasons


def test_a_run_with_a_wrong_step_size_does_not_agree_with_an_honest_one(
    controlled, tmp_path
):
    wrong = run("02", tmp_path, SMALL["02"] | {"step_size": 0.1})["records"]
    assert agreement(values(wrong), values(controlled("02")[0])).reasons


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    controlled, tmp_path
):
    first = controlled("05")[0]
    assert run("05", tmp_path, SMALL["05"])["records"] == first
    trained = [entry["values"] for name, entry in first.items() if "error" in name]
    assert trained and all(len(set(v)) == len(v) for v in trained)


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
