"""The workflow: what it would run, and one GPU for each job that needs one."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repalign_utils.book import paths
from tests.conftest import ROOT

pytestmark = pytest.mark.section
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
SNAKEFILE = ROOT / "Snakefile"
SECTIONS = paths.sections(ROOT)
PARTS = ("Snakefile", "claims.yaml", "_config.yml", "_toc.yml", "notebooks", "workflow")


@pytest.fixture
def base(tmp_path):
    """A checkout in which nothing has been run yet."""
    for name in (*PARTS, "repalign_utils", "results/reference.json"):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    (tmp_path / "book").mkdir()
    for name in ("references.bib", "questions.yaml"):
        shutil.copy(ROOT / "book" / name, tmp_path / "book")
    return tmp_path


def plan(base, *arguments):
    """Jobs of a dry run: rule -> number, with the text that says it."""
    command = [SNAKEMAKE, "--cores", "2", "--dry-run", "book", *arguments]
    done = subprocess.run(command, cwd=base, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    words = [line.split() for line in done.stdout.splitlines()]
    jobs = {w[0]: int(w[1]) for w in words if len(w) == 2 and w[1].isdigit()}
    return jobs, done.stdout


def finish(base, *sections):
    """Pretend that sections were run: their outputs, newer than all they depend on."""
    for section in sections:
        for suffix in (".ipynb", ".json"):
            path = base / "results/quick" / f"{section}{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_text("{}")


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_every_section_is_run_once_by_the_runner(base, profile):
    jobs, text = plan(base, "--config", f"profile={profile}", "--printshellcmds")
    assert jobs["execute"] == len(SECTIONS) and jobs["publish"] == jobs["site"] == 1
    for section in SECTIONS:
        assert f"repalign_utils run {section} --profile {profile}" in text


def test_a_changed_notebook_reruns_its_section_alone_and_changed_code_all(base):
    finish(base, *SECTIONS)
    assert "execute" not in plan(base)[0]
    (base / "notebooks" / f"{SECTIONS[0]}.py").touch()
    jobs, text = plan(base)
    assert jobs["execute"] == 1 and f"results/quick/{SECTIONS[0]}.ipynb" in text
    (base / "repalign_utils/measures/spectral.py").touch()
    assert plan(base)[0]["execute"] == len(SECTIONS)


def test_the_map_is_run_again_after_a_section_whose_features_it_reads(base):
    finish(base, *SECTIONS)
    (base / "notebooks/10_svcca.py").touch()
    jobs, text = plan(base, "--printshellcmds")
    assert jobs["execute"] == 2
    assert text.index("utils run 10_svcca") < text.index("utils run 18_map")


def test_what_only_shapes_the_site_reruns_no_section(base):
    finish(base, *SECTIONS)
    for name in ("book/pages", "book/references", "book/build", "__main__"):
        (base / "repalign_utils" / f"{name}.py").touch()
    (base / "claims.yaml").touch()
    jobs, _ = plan(base)
    assert "execute" not in jobs and jobs["publish"] == 1


def test_what_a_run_loads_reruns_every_section():
    ask = "import sys, repalign_utils.book.runner; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    shaping = re.search(r"^SHELL_ONLY = (\[.*?\])", SNAKEFILE.read_text(), re.M | re.S)
    names = ast.literal_eval(shaping[1])
    spared = {f"repalign_utils.{name.replace('/', '.')}" for name in names}
    assert spared and not spared & set(done.stdout.split())


def test_a_new_section_needs_its_file_alone(base):
    (base / "notebooks" / "99_mine.py").write_text("# %%\n")
    assert plan(base)[0]["execute"] == len(SECTIONS) + 1


def test_an_unknown_profile_is_refused(base):
    command = [SNAKEMAKE, "-n", "--config", "profile=fast", "--", "book"]
    done = subprocess.run(command, cwd=base, capture_output=True, text=True)
    assert done.returncode
    assert "profile is 'fast'; choose quick or paper" in done.stdout + done.stderr


def test_the_cluster_profile_fits_the_workflow(base):
    jobs, _ = plan(base, "--workflow-profile", "workflow/slurm")
    assert jobs["execute"] == len(SECTIONS)


GPU = str(ROOT / "workflow" / "with_gpu.sh")
SHOW = 'echo "device=$CUDA_VISIBLE_DEVICES"'


def start(tmp_path, count, command, **env):
    own = {**os.environ, "TMPDIR": str(tmp_path), **env}
    if "SLURM_JOB_ID" not in env:
        own.pop("SLURM_JOB_ID", None)
    return subprocess.Popen(
        [GPU, count, "bash", "-c", command], env=own, stdout=subprocess.PIPE, text=True
    )


def test_jobs_that_run_at_once_have_a_device_each_and_a_third_waits(tmp_path):
    wait = f"{SHOW}; read -r < {tmp_path}/go"
    os.mkfifo(tmp_path / "go")
    both = [start(tmp_path, "1", wait, CUDA_VISIBLE_DEVICES="3,7") for _ in range(2)]
    shown = [job.stdout.readline().strip() for job in both]
    assert sorted(shown) == ["device=3", "device=7"]
    third = start(tmp_path, "1", SHOW, CUDA_VISIBLE_DEVICES="3,7")
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=0.5)
    (tmp_path / "go").write_text("go\ngo\n")
    assert third.communicate(timeout=20)[0].strip() in shown
    for job in both:
        job.kill()
        job.communicate()


@pytest.mark.parametrize(
    ("count", "env"),
    [("0", {}), ("1", {"SLURM_JOB_ID": "17"})],
    ids=["no GPU", "SLURM"],
)
def test_without_need_or_under_slurm_the_devices_stay_as_they_are(tmp_path, count, env):
    job = start(tmp_path, count, SHOW, CUDA_VISIBLE_DEVICES="3,7", **env)
    assert job.communicate(timeout=20)[0].strip() == "device=3,7"
