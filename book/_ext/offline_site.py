"""Make the built site whole on its own: no script from outside, no script error."""

import filecmp
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_FILE = "tex-svg.js"


def copy_mathjax(app: Sphinx) -> None:
    """Put MathJax's one-file build beside the other static files.

    The package's own extension would copy all of its 24 MB.
    """
    if app.builder.format != "html":
        return
    target = Path(app.outdir, "_static", "mathjax", MATHJAX_FILE)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_mathjax_source(), target)


def _mathjax_source() -> Path:
    inside = f"{MATHJAX_PACKAGE}/static/mathjax/{MATHJAX_FILE}"
    try:
        source = Path(str(distribution(MATHJAX_PACKAGE).locate_file(inside)))
    except PackageNotFoundError as error:
        raise ExtensionError(
            f"the package {MATHJAX_PACKAGE} is not installed; install requirements.lock"
        ) from error
    if not source.is_file():
        raise ExtensionError(
            f"{MATHJAX_PACKAGE} has no file {inside}; install the version in "
            "requirements.lock"
        )
    return source


def changed_style(app: Sphinx, env, added, changed, removed) -> list[str]:
    """Name every page as outdated if a static file is not what the site has.

    Sphinx copies static files only when it writes a page, and each page names its
    style sheets with their checksums.
    """
    here, there = Path(app.confdir), Path(app.outdir, "_static")
    # absolute paths are those of other extensions, which may copy as they like
    ours = [p for p in app.config.html_static_path if not Path(p).is_absolute()]
    for folder in map(here.joinpath, ours):
        for path in filter(Path.is_file, folder.rglob("*")):
            copied = there / path.relative_to(folder)
            if not copied.exists() or not filecmp.cmp(path, copied, shallow=False):
                return sorted(env.found_docs)
    return []


def drop_thebe(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Take thebe's scripts off the page.

    Jupyter Book always loads sphinx-thebe, which declares the same constant twice: a
    script error on every page, for live code that this book does not offer.
    """
    context["script_files"] = [
        script for script in context["script_files"] if not _is_thebe(script)
    ]


def _is_thebe(script) -> bool:
    body = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in str(script) or "THEBE_JS_URL" in body


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.connect("builder-inited", copy_mathjax)
    app.connect("env-get-outdated", changed_style)
    # After the theme, which adds its own scripts at the default priority of 500.
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
