"""Command line of the book: ``repalign`` or ``python -m repalign_utils``."""

from contextlib import contextmanager
from pathlib import Path

import click

from ._extras import need
from .book import paths

Profile = click.Choice(paths.PROFILES)


@contextmanager
def _said_plainly():
    """Turn what a user can mend into a message without a traceback."""
    from .book.claims import ClaimError
    from .book.destination import OutputRefused
    from .book.parameters import ParameterError
    from .book.records import RecordError
    from .book.references import ReferenceRefused
    from .book.runner import SectionFailed, Stopped

    try:
        yield
    except (
        paths.SectionError,
        ParameterError,
        ClaimError,
        OutputRefused,
        RecordError,
        ReferenceRefused,
    ) as error:
        raise click.UsageError(str(error)) from None
    except SectionFailed as error:
        raise click.ClickException(str(error)) from None
    except Stopped as error:
        click.echo(f"\n{error}", err=True)
        raise SystemExit(error.status) from None


class _WithParameters(click.Command):
    """Command whose ``-p`` takes a name and a value, apart or joined by ``=``."""

    def parse_args(self, ctx, args):
        split, rest = [], list(args)
        while rest:
            split.append(rest.pop(0))
            if split[-1] == "-p" and rest:
                name, joined, value = rest.pop(0).partition("=")
                split += [name, value] if joined else [name, *rest[:1]]
                rest = rest if joined else rest[1:]
        return super().parse_args(ctx, split)


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


class _Commands(click.Group):
    """Commands that a small installation has, each saying what it needs to run."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError:
            try:
                paths.root()
                need("papermill", "run")
            except (paths.SectionError, ModuleNotFoundError) as error:
                raise click.ClickException(str(error)) from None
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="repalign-utils")
def main():
    """Run the sections of the book and publish what they found."""


@main.command(cls=_WithParameters)
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
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of parameters.",
)
@click.option("--profile", type=Profile, help="Parameters of notebooks/profiles.")
@click.option(
    "--like",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
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
@click.option(
    "--progress",
    "progress_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    envvar="REPALIGN_PROGRESS",
    help="File that gets a line k/n whenever k of n cells have run.",
)
def run(section, given, file, profile, like, output, force, quiet, progress_file):
    """Execute SECTION ("05" or "05_synthetic_transfer") with parameters.

    `repalign list` says which sections there are, and with which parameters.
    """
    from .book import claims, earlier_run, runner

    if not (section or like):
        raise click.UsageError(
            "name a section, such as 05, or a run with --like; repalign list has all"
        )
    with _said_plainly():
        base = paths.root()
        if like:
            earlier = earlier_run.read(base, like, section, given)
            section, profile = earlier.section, profile or earlier.profile
            if earlier.unsaid:
                names = ", ".join(earlier.unsaid)
                click.echo(f"{like} does not say: {names}; as usual here", err=True)
        path = paths.section_path(base, section)
        # Before the run: what they could say wrong should not cost its hours.
        stated = claims.read_claims(base / "claims.yaml")
        output = output or runner.own_folder(base, path.stem)
        entry = runner.run(
            path,
            output,
            profile=profile,
            file=file,
            given=given,
            like=earlier.values if like else None,
            force=force,
            progress=not quiet,
            progress_file=progress_file,
        )
    # A claim on a setting that was left out is no claim on this run.
    mine = [c for c in stated if c.quantity in entry["records"]]
    for j in claims.judge(mine, {path.stem: entry}, profile or "quick"):
        click.echo(f"{j.verdict:<14}  {j.claim.id}  {j.claim.statement} {j.value}")
    click.echo(f"{path.stem}: {runner.duration(entry['wall_s'])}, in {output}")


@main.command("list")
@click.argument("section", required=False)
def list_(section):
    """List the sections with their times, or the parameters of SECTION."""
    from .book import listing

    with _said_plainly():
        base = paths.root()
        if section:
            section = paths.section_path(base, section).stem
            lines = listing.parameters(base, section)
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
    from .book import build

    with _said_plainly():
        base = paths.root()
    try:
        status = build.make_book(
            base, profile, cores=cores, wait=wait, with_parent=with_parent
        )
    except (build.BuildRefused, build.BuildFailed) as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(status)


@main.command()
@click.option("--profile", type=Profile, default="quick", show_default=True)
def publish(profile):
    """Write the generated pages of the book from the runs of a profile."""
    from .book import claims, pages

    with _said_plainly():
        judged = pages.publish(paths.root(), profile)
    click.echo(f"{len(judged)} claims: {claims.counts(judged)}")


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
    from .book import pages, references

    with _said_plainly():
        base = paths.root()
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
@click.argument("revision", default="HEAD")
def numbers(revision):
    """List the reference values that moved since a git REVISION, for the changelog."""
    from .book import references

    with _said_plainly():
        base = paths.root()
        for profile in paths.PROFILES:
            before = references.read_at(base, profile, revision)
            lines = references.moved(before, references.read(base, profile))
            click.echo(f"{references.FILES[profile]}, since {revision}:")
            click.echo("\n".join(lines) or "None moved.")


@main.command("table")
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
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

    with _said_plainly():
        runs = records.read_runs(run)
        if output:
            tables.write_tidy(runs, output)
        else:
            click.echo(tables.tidy(runs).to_csv(index=False), nl=False)


@main.command()
@click.option("--profile", type=Profile, default="quick", show_default=True)
def times(profile):
    """Say how long each section took, and where the website is."""
    from .book import pages

    with _said_plainly():
        base = paths.root()
    click.echo("\n".join(pages.times(base, profile)))
    click.echo(f"The book is at {pages.index_page(base)}")


if __name__ == "__main__":
    main()
