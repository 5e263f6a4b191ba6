import re

import pytest
from click.testing import CliRunner

from repalign_utils.__main__ import main
from repalign_utils.book import two_runs
from repalign_utils.files import write_json

GAIN = [0.51, 0.52, 0.53, 0.52, 0.51]


def _run(*, form=3, section="05_tiny", seed=0, device="cpu", exact=False, **records):
    entries = {
        f"05.{name}": {"values": values, "exact": exact, "within": [0, 1]}
        for name, values in records.items()
    }
    return {
        "form": form,
        "section": section,
        "profile": "quick",
        "parameters": {"seed": seed, "device": device, "data_dir": "set"},
        "records": entries,
        "provenance": {},
    }


def test_runs_of_the_same_parameters_must_be_equal_where_nothing_was_trained():
    first, moved = _run(gain=GAIN, exact=True), [x + 0.001 for x in GAIN]
    elsewhere = _run(gain=GAIN, exact=True, device="cuda")
    assert two_runs.agreement_of(first, elsewhere).reasons == []
    (reason,) = two_runs.agreement_of(
        first, _run(gain=moved, exact=True, device="cuda")
    ).reasons
    assert reason.startswith("not equal to rounding: 05.gain: 0.518 [")
    other_seed = _run(gain=moved, exact=True, seed=7)
    assert two_runs.agreement_of(first, other_seed).reasons == []


def test_the_intervals_of_a_comparison_stay_in_the_recorded_range():
    first, second = _run(share=[1.0] * 5), _run(share=[0.99, 1.0, 1.0, 1.0, 0.98])
    (found,) = two_runs.agreement_of(first, second).differences
    assert found.first.high == 1 and 0.9 < found.second.low < found.second.high < 1


def test_runs_whose_areas_are_over_two_axes_are_refused_with_what_to_do():
    new, old = _run(gain=GAIN), _run(form=2, gain=GAIN)
    assert two_runs.agreement_of(old, _run(form=1, gain=GAIN)).reasons == []
    for runs, older in (((new, old), "second"), ((old, new), "first")):
        message = (
            f"the runs of 05_tiny measured two areas: the {older} over the threshold "
            "in units of the largest singular value (form 1 or 2 of a record), the "
            "other in units of the norm of the features (form 3); run the section "
            "again, with repalign run --like RECORD, and compare that"
        )
        with pytest.raises(two_runs.NotComparable, match=f"^{re.escape(message)}$"):
            two_runs.agreement_of(*runs)


def test_the_command_says_of_each_section_whether_its_runs_agree(tmp_path):
    kept, mine, other = (tmp_path / f"{n}.json" for n in ("kept", "mine", "other"))
    write_json(kept, {"05_tiny": _run(gain=GAIN), "06_more": _run(section="06_more")})
    write_json(mine, _run(gain=GAIN[::-1], seed=3))
    write_json(other, _run(gain=[x - 0.2 for x in GAIN]))
    found = CliRunner().invoke(main, ["compare", str(mine), str(kept)])
    assert found.exit_code == 0
    assert found.output.splitlines() == [
        "05_tiny: the runs agree; values compared: 1",
        "  with other parameters: seed = 3 and 0",
    ]
    found = CliRunner().invoke(main, ["compare", str(other), str(kept)])
    assert found.exit_code == 1
    assert "05_tiny: the runs differ" in found.output
    assert "  beyond the combined intervals: 05.gain: 0.318 [" in found.output
    write_json(other, _run(section="07_none"))
    found = CliRunner().invoke(main, ["compare", str(other), str(mine)])
    assert found.exit_code == 2
    assert found.output.endswith(
        "Error: the first is of 07_none and the second of 05_tiny; name runs of one "
        "section\n"
    )
