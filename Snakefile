# The workflow over sections: execute each with the one runner, publish, build.
#   snakemake -c 2 book                          quick profile
#   snakemake -c 2 book --config profile=paper   the paper's sizes
# `repalign build` (make book) is the same, behind a lock and with less to read.
# A rule reruns when its notebook, its parameters or the package's code change.
import glob
import os
import sys
from pathlib import Path

import yaml

PROFILE = config.get("profile", "quick")
if PROFILE not in ("quick", "paper"):
    raise WorkflowError(f"profile is {PROFILE!r}; choose quick or paper")
SECTIONS = sorted(Path(p).stem for p in glob.glob("notebooks/[0-9][0-9]_*.py"))
PYTHON = sys.executable
PACKAGE = sorted(glob.glob("repalign_utils/**/*.py", recursive=True))
# What only shapes the site or the command line does not change a section's numbers.
SHELL_ONLY = [
    "__main__",
    "book/build",
    "book/claims",
    "book/drawings",
    "book/earlier_run",
    "book/forest",
    "book/forms",
    "book/listing",
    "book/pages",
    "book/places",
    "book/progress",
    "book/references",
    "book/shortfalls",
    "book/telling",
    "book/verdicts",
    "experiments/two_directions",
]
CODE = sorted(set(PACKAGE) - {f"repalign_utils/{name}.py" for name in SHELL_ONLY})
STYLE = ["repalign_utils/book.mplstyle", "repalign_utils/data/imagenet_families.tsv"]
with open(f"notebooks/profiles/{PROFILE}.yaml") as file:
    SETTINGS = yaml.safe_load(file) or {}

# Page 18 reads the features that other sections keep beside their runs.
KEEPING = [s for s in SECTIONS if "record_features(" in Path(f"notebooks/{s}.py").read_text()]


def read(wildcards):
    """Runs that a section reads: a notebook in place means that all of it is."""
    if not wildcards.section.startswith("18_"):
        return []
    return [f"results/{PROFILE}/{section}.ipynb" for section in KEEPING]


def settings(wildcards):
    """Text of a section's own parameters, so that a change of one reruns it alone."""
    return repr(sorted((SETTINGS.get(wildcards.section) or {}).items()))


def gpus(wildcards):
    """One GPU for a section whose profile asks for CUDA, none for the others."""
    device = (SETTINGS.get(wildcards.section) or {}).get("device", "auto")
    return int(str(device).startswith("cuda"))


localrules:
    publish,
    book,


rule book:
    input:
        "_build/html/.built",


rule execute:
    input:
        notebook="notebooks/{section}.py",
        code=CODE,
        style=STYLE,
        read=read,
    output:
        notebook=f"results/{PROFILE}/{{section}}.ipynb",
        record=f"results/{PROFILE}/{{section}}.json",
    params:
        settings=settings,
        # The quick profile has its data embedded.
        data=os.environ.get("REPALIGN_DATA", "") if PROFILE == "paper" else "",
    wildcard_constraints:
        section=r"\d\d_\w+",
    threads: 1
    resources:
        gpu=gpus,
    shell:
        # A job on this machine takes one free GPU for itself; SLURM hands out its own.
        "exec {PYTHON:q} workflow/step.py {wildcards.section} "
        "env OMP_NUM_THREADS={threads} workflow/with_gpu.sh {resources.gpu} "
        "{PYTHON:q} -m repalign_utils run {wildcards.section}"
        f" --profile {PROFILE} -o {{output.notebook}}"


rule publish:
    input:
        expand(f"results/{PROFILE}/{{section}}.{{kind}}", section=SECTIONS, kind=["ipynb", "json"]),
        PACKAGE,
        glob.glob("repalign_utils/book/templates/*"),
        "claims.yaml",
        "book/questions.yaml",
        "results/reference.json",
    output:
        touch("book/_generated/.published"),
    params:
        profile=PROFILE, # both profiles write the same pages: a change publishes anew
    shell:
        "exec {PYTHON:q} workflow/step.py publish "
        "{PYTHON:q} -m repalign_utils publish --profile {params.profile}"


rule site:
    input:
        "book/_generated/.published",
        "_config.yml",
        "_toc.yml",
        [p for p in glob.glob("book/*.md") if p != "book/claims.md"],
        "book/references.bib",
        glob.glob("book/_ext/*.py"),
        glob.glob("book/_templates/*"),
        [p for p in glob.glob("book/_static/**", recursive=True) if Path(p).is_file()],
    output:
        touch("_build/html/.built"),
    params:
        # What goes before settings of _config.yml: a change builds anew.
        places=[os.environ.get(name, "") for name in ("BOOK_REPOSITORY", "BOOK_ADDRESS")],
    shell:
        # Not the command: the first line of a script cannot hold every path.
        "exec {PYTHON:q} workflow/step.py site {PYTHON:q} -c "
        "'from jupyter_book.cli.main import main; main()' build . -W --keep-going -n"
