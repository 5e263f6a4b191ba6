"""Sections run by the command line, one thread each, and what their records say."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repalign_utils.book import claims, verdicts
from repalign_utils.comparison import difference
from tests.conftest import ROOT
from tests.miniature import repalign

CLAIMS = claims.read_claims(ROOT / "claims.yaml")
BELOW = {s.quantity for c in CLAIMS for s in c.settings if s.relation == "below"}
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


def run(section: str, folder: Path, given: dict, *, profile: str = "") -> dict:
    """Record of a run with the parameters ``given``."""
    output = folder / f"{section}.ipynb"
    options = [a for name, value in given.items() for a in ("-p", name, str(value))]
    options += ["--profile", profile] if profile else []
    done = repalign(ROOT, "run", section, "-o", str(output), "--quiet", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(output.with_suffix(".json").read_text())


def run_all(folder: Path, given: dict[str, dict], profiles: dict[str, str]) -> dict:
    """Records of several sections, by section; `given` holds their parameters."""
    with ThreadPoolExecutor(2) as pool:
        runs = {
            section: pool.submit(
                run, section, folder, parameters, profile=profiles.get(section, "")
            )
            for section, parameters in given.items()
        }
        return {section: done.result() for section, done in runs.items()}


def values(records: dict) -> dict[str, dict]:
    """Recorded values of a run's records, by name, and nothing else of them."""
    return {name: {"values": entry["values"]} for name, entry in records.items()}


def found_of(record):
    """Verdict of each quantity that a claim is about."""
    mine = verdicts.recorded(CLAIMS, record)
    judged = verdicts.judge(mine, {record["section"]: record})
    return {f.setting.quantity: f.verdict for j in judged for f in j.findings}


def is_taken_away(quantity: str, honest: dict, control: dict) -> bool:
    """Whether the records of a control have less of an effect, beyond chance."""
    runs = [records[quantity] for records in (honest, control)]
    means = [sum(run["values"]) / len(run["values"]) for run in runs]
    more, less = means[::-1] if quantity in BELOW else means
    return more > less and difference(quantity, *runs).errors > 2
