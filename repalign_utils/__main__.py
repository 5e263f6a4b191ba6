"""Command line of the book: ``repalign`` or ``python -m repalign_utils``."""

from pathlib import Path

import click

from ._extras import need
from .book import paths
from .book.errors import Failed, Refused, Stopped

Profile = click.Choice(paths.PROFILES)
RecordFile = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Command(click.Command):
    """Command that says plainly what its user can mend."""

    def parse_args(self, ctx, args):
        """Options, where ``-p`` takes a name and a value, apart or joined by ``=``."""
        split, rest = [], list(args)
        while rest:
            split.append(rest.pop(0))
            if split[-1] == "-p" and rest:
                name, joined, value = rest.pop(0).partition("=")
                split += [name, value] if joined else [name, *rest[:1]]
                rest = rest if joined else rest[1:]
        return super().parse_args(ctx, split)

    def invoke(self, ctx):
        """Run it; an error that bears a remedy becomes a message without traceback."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            raise click.UsageError(str(error), ctx) from None
        except Failed as error:
            raise click.ClickException(str(error)) from None
        except Stopped as error:
            click.echo(f"\n{error}", err=True)
            raise SystemExit(error.status) from None
        except ModuleNotFoundError as error:
            told = error
            try:
                need("papermill", "run")
            except ModuleNotFoundError as lacking:
                told = lacking
            if "pip install" not in str(told):
                raise
            raise click.ClickException(str(told)) from None


class _Commands(click.Group):
    command_class = _Command


def _once(_ctx, _option, pairs) -> dict:
    """Parameters by name; a name that is given twice is an error."""
    given = {}
    for name, value in pairs:
        if name in given:
            raise click.UsageError(
                f"-p {name} is given twice, as {given[name]} and {value}; give it once"
            )
        given[name] = value
    return given


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="repalign-utils")
def main():
    """Run the sections of the book and publish what they found."""


@main.command()
@click.argument("section", required=False)
@click.option(
    "-p",
    "given",
    nargs=2,
    multiple=True,
    callback=_once,
    metavar="NAME VALUE",
    help="A parameter of the section, also as NAME=VALUE; may be repeated.",
)
@click.option(
    "-f",
    "file",
    type=RecordFile,
    help="YAML file of parameters.",
)
@click.option(
    "--profile",
    type=click.Choice((*paths.PROFILES, *paths.LARGE)),
    help="Parameters of notebooks/profiles.",
)
@click.option(
    "--like",
    type=RecordFile,
    metavar="RECORD",
    help="Record (.json) of a run to make again, with its section and parameters.",
)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="Executed notebook to write [default: a new folder under runs/].",
)
@click.option("--force", is_flag=True, help="Replace what is there, whatever it is.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run(section, given, file, profile, like, output, force, quiet):
    """Execute SECTION ("05" or "05_synthetic_transfer") with parameters.

    `repalign list` says which sections there are, and with which parameters.
    """
    base = paths.root()
    from .book import claims, destination, earlier_run, origin, runner

    earlier = None
    if like:
        earlier = earlier_run.read(base, like, section, given)
        section, profile = earlier.section, profile or earlier.profile
        if earlier.unsaid:
            names = ", ".join(earlier.unsaid)
            click.echo(f"{like} does not say: {names}; as usual here", err=True)
    elif not section:
        raise click.UsageError(
            "name a section, such as 05, or a run with --like; repalign list has all"
        )
    path = paths.section_path(base, section)
    # Before the run: what they could say wrong should not cost its hours.
    stated = claims.read_claims(base / "claims.yaml")
    output = output or destination.own_folder(base, path.stem)
    entry = runner.run(
        path,
        output,
        profile=profile,
        file=file,
        given=given,
        like=earlier and earlier.values,
        force=force,
        progress=not quiet,
    )
    _tell_verdicts(base, path.stem, stated, entry)
    click.echo(f"{path.stem}: {origin.duration(entry['wall_s'])}, in {output}")


def _tell_verdicts(base, section, stated, entry):
    """Say what a run finds of its claims, beside the reference run."""
    from .book import references, telling, verdicts

    # A claim on a setting that was left out is no claim on this run.
    mine = verdicts.recorded(stated, entry)
    here = verdicts.judge(mine, {section: entry})
    there = verdicts.judge(mine, references.read(base, "paper"))
    for j, r in zip(here, there, strict=True):
        control = verdicts.under_control(j.claim, entry)
        click.echo("\n".join(telling.lines(j, r, control=control)))


@main.command("list")
@click.argument("section", required=False)
def list_(section):
    """List the sections with their times, or the parameters of SECTION."""
    base = paths.root()
    from .book import listing

    if section:
        lines = listing.parameters(base, paths.section_path(base, section).stem)
    else:
        lines = listing.sections(base)
    click.echo("\n".join(lines))


@main.command()
@click.option("--profile", type=Profile, default="quick", show_default=True)
@click.option("--cores", default="all", show_default=True, help="Cores to use.")
@click.option("--wait", is_flag=True, help="Wait for another build of the folder.")
@click.option("--with-parent", is_flag=True, help="End once the caller is gone.")
def build(profile, cores, wait, with_parent):
    """Execute the sections that changed, and build the website."""
    base = paths.root()
    from .book import build

    build.make_book(base, profile, cores=cores, wait=wait, with_parent=with_parent)


@main.command()
@click.option("--profile", type=Profile, default="quick", show_default=True)
def publish(profile):
    """Write the generated pages of the book from the runs of a profile."""
    base = paths.root()
    from .book import pages, telling
    from .experiments import two_directions

    judged = pages.publish(base, profile)
    two_directions.write(base / "book" / "_generated")
    told = telling.tally(judged)
    click.echo(f"{told[:1].upper()}{told[1:]}")


@main.command()
@click.argument("sections", nargs=-1, required=True, metavar="SECTION...")
@click.option("--profile", type=Profile, default="paper", show_default=True)
@click.option("--note", default="", help="What the run is not, in a sentence.")
def reference(sections, profile, note):
    """Keep the runs of SECTIONs in a profile as its reference.

    A SECTION is "05", for the run that the workflow left under results/, or the
    record (.json) of another run. Refused: a run with other parameters than the
    profile's, or from a tree with uncommitted changes.
    """
    base = paths.root()
    from .book import pages, references

    for name in sections:
        if name.endswith(".json"):
            record = Path(name)
        else:
            section = paths.section_path(base, name).stem
            record = pages.executed_path(base, profile, section)
        entry = references.keep(base, record.with_suffix(".json"), note=note)
        kept = references.path(base, entry["profile"]).relative_to(base)
        click.echo(f"{entry['section']}: kept in {kept}")


@main.command()
@click.argument("first", type=RecordFile)
@click.argument("second", type=RecordFile)
def compare(first, second):
    """Say whether the runs of FIRST and SECOND agree; the exit status is 1 if not.

    Both are the record (.json) beside a section's run, or a file of several, such as
    results/quick.json. Sections that both hold are compared.
    """
    from .book import records, two_runs

    agree, lines = two_runs.told(records.read_runs(first), records.read_runs(second))
    click.echo("\n".join(lines))
    if not agree:
        raise SystemExit(1)


@main.command()
@click.argument("revision", default="HEAD")
def numbers(revision):
    """List the reference values that moved since a git REVISION, for the changelog."""
    base = paths.root()
    from .book import references

    for profile in paths.PROFILES:
        before = references.read_at(base, profile, revision)
        lines = references.moved(before, references.read(base, profile))
        click.echo(f"{references.FILES[profile]}, since {revision}:")
        click.echo("\n".join(lines) or "None moved.")


@main.command("rank-sources")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("targets", type=RecordFile)
@click.option("--score", default="", help="Score to rank by [default: the winner].")
def rank_sources(folder, targets, score):
    """Rank the sources in FOLDER by what they should be worth on a target.

    FOLDER holds the features (n, d) that each source has of the target's n inputs, as
    SOURCE.npy, or SOURCE.npz with `features` and `probabilities`. TARGETS holds their n
    labels: .npy, or .csv with one a line. The score is the one that won in the kept run
    of section 13; what it is worth is told below the ranking.
    """
    from .book import contest
    from .data import feature_files
    from .transferability import rank_sources

    try:
        base = paths.root()
    except paths.SectionError:  # features can be ranked anywhere
        base = None
    chosen = contest.standing(base, score)
    try:
        labels = feature_files.target_labels(targets)
        features, probabilities = feature_files.source_features(folder)
        ranked = rank_sources(
            features,
            labels,
            score=chosen.score,
            source_probabilities=probabilities,
        )
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from None
    for place, source in enumerate(ranked, 1):
        click.echo(f"{place:>3}  {source.name:<24} {source.value:.4g}")
    click.echo(f"\n{chosen.told}.")
    click.echo(
        "Read it as a short list: a score compares sources, and does not tell whether "
        "any of them does better than training from scratch."
    )


@main.command("table")
@click.argument("run", type=RecordFile)
@click.option(
    "-o",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, .csv or .parquet [default: CSV on the terminal].",
)
def table_(run, output):
    """Write what RUN recorded as a table, a value a row.

    RUN is the record (.json) beside a section's run, or results/reference.json.
    """
    from .book import records, tables

    runs = records.read_runs(run)
    if output:
        tables.write_tidy(runs, output)
    else:
        click.echo(tables.tidy(runs).to_csv(index=False), nl=False)


if __name__ == "__main__":
    main()
