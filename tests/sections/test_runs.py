"""Sections run with parameters of one's own: controls, real data, the same seed."""

import json

import pytest

from repalign_utils import claims
from tests.conftest import ROOT
from tests.miniature import repalign

pytestmark = pytest.mark.section
CLAIMS = claims.read_claims(ROOT / "claims.yaml")


def run(section, folder, given):
    """Record of a run with the parameters ``given``."""
    output = folder / f"{section}.ipynb"
    options = [a for name, value in given.items() for a in ("-p", name, str(value))]
    done = repalign(ROOT, "run", section, "-o", str(output), "--quiet", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(output.with_suffix(".json").read_text())


def verdicts(record):
    runs = {record["section"]: record}
    mine = [c for c in CLAIMS if c.section == record["section"]]
    return {j.claim.quantity: j.verdict for j in claims.judge(mine, runs, "quick")}


SMALL = {
    "02": {"n_slices": 200, "max_epochs": 1, "seeds": 4, "device": "cpu"},
    "05": {"encodings": "[thermometer]", "n": 3000, "seeds": 4, "device": "cpu"},
}


@pytest.mark.parametrize(
    ("section", "flipped"),
    [
        ("02", ["02.input.gap.classification", "02.input.gap.regression"]),
        ("05", ["05.alignment.related.thermometer"]),
    ],
)
def test_shuffling_targets_that_should_be_true_flips_the_verdict(
    section, flipped, tmp_path
):
    honest = verdicts(run(section, tmp_path / "honest", SMALL[section]))
    sabotaged = SMALL[section] | {"control": "true"}
    sabotaged = verdicts(run(section, tmp_path / "sabotaged", sabotaged))
    assert {honest[q] for q in flipped} == {"reproduced"}
    assert {sabotaged[q] for q in flipped} == {"not reproduced"}


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(tmp_path):
    given = SMALL["05"] | {"n": 500, "epochs": 2, "seeds": 2}
    first = run("05", tmp_path / "first", given)["records"]
    assert run("05", tmp_path / "again", given)["records"] == first
    assert run("05", tmp_path / "other", given | {"seed": 9})["records"] != first


def test_a_run_on_real_data_says_which_and_how_much(real_data, tmp_path):
    given = {"data_dir": real_data, "wide_seeds": 1, "seeds": 3, "max_epochs": 2}
    given |= {"classification": "mnist", "n_images": 400, "regression": "ct_slices"}
    record = run("02", tmp_path, given)
    images, slices = record["provenance"]["data"]
    assert images.startswith("400 of 70,000 rows of MNIST")
    assert "682 of 53,500 rows" in slices
    found = verdicts(record)
    assert found["02.input.gap.classification"] == "reproduced"
    assert found["02.input.gap.regression"] == "reproduced"


def test_real_ct_slices_are_learnt_as_their_alignment_says(real_data, tmp_path):
    given = {"dataset": "ct_slices", "data_dir": real_data, "steps": 100, "width": 200}
    record = run("01", tmp_path, given | {"seeds": 3})
    assert "682 of 53,500 rows" in record["provenance"]["data"][0]
    assert verdicts(record)["01.identity.error"] == "reproduced"
    assert verdicts(record)["01.bound.excess"] == "reproduced"


def test_a_section_says_where_real_data_belong_if_there_are_none(tmp_path):
    done = repalign(
        ROOT, "run", "01", "-p", "dataset", "ct_slices", "-p", "data_dir", str(tmp_path)
    )
    assert done.returncode == 1
    assert "DataMissing" in done.stderr and "ct_phantom" in done.stderr
    assert "Traceback" not in done.stderr
