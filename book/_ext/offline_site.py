"""Make the built site whole on its own: no script from outside, no script error."""

import filecmp
import re
import shutil
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
# What formulas need: a third of the file with all of it, and their fonts apart.
MATHJAX_PARTS = ("startup", "core", "input/tex", "output/chtml", "a11y/assistive-mml")
MATHJAX_FONTS = "output/chtml/fonts"
ICONS = "scripts/fontawesome.js"
THEME_STYLE = "styles/pydata-sphinx-theme.css"
# A table of icons in that script: name -> [width, height, other names, code, path].
TABLE = re.compile(
    r'(?<=\{)(?:"?[\w-]+"?:\[\d+,\d+,\[[^\]]*\],"[^"]*","[^"]*"\],?){9,}(?=\})'
)
# A rule that shows an icon as a letter of a font, until the script draws it.
LETTER = re.compile(r'(?:\.fa-[\w-]+:before,?)+\{content:"[^"]*"\}')
ICON = re.compile(r'"?([\w-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[^"]*","[^"]*"\]')


def load_mathjax(app: Sphinx, config) -> None:
    """Have MathJax's first part load the others."""
    loaded = {"loader": {"load": list(MATHJAX_PARTS[1:])}}
    config.mathjax3_config = {**(config.mathjax3_config or {}), **loaded}


def copy_mathjax(app: Sphinx) -> None:
    """Put the parts of MathJax and its fonts beside the other static files.

    The package's own extension would copy all of its 24 MB.
    """
    if app.builder.format != "html":
        return
    target = Path(app.outdir, "_static", "mathjax")
    for part in MATHJAX_PARTS:
        path = target / f"{part}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_mathjax(f"{part}.js"), path)
    fonts = _mathjax(f"{MATHJAX_FONTS}/tex.js").parent
    shutil.copytree(fonts, target / MATHJAX_FONTS, dirs_exist_ok=True)


def _mathjax(name: str) -> Path:
    inside = f"{MATHJAX_PACKAGE}/static/mathjax/{name}"
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


def keep_used_icons(app: Sphinx, error) -> None:
    """Leave out of the theme's 1.5 MB of icons those that no page shows.

    They are drawn by a script alone: a font that has all of them as letters too would
    be loaded by every page, for the moment before.
    """
    script = Path(app.outdir, "_static", ICONS)
    if error or app.builder.format != "html" or not script.exists():
        return
    pages = Path(app.outdir).rglob("*.html")
    used = {name for p in pages for name in re.findall(r"\bfa-([\w-]+)", p.read_text())}

    def kept(table: re.Match) -> str:
        return ",".join(
            icon[0]
            for icon in ICON.finditer(table[0])
            if used & {icon[1], *re.findall(r'"([\w-]+)"', icon[2])}
        )

    script.write_text(TABLE.sub(kept, script.read_text()))
    style = Path(app.outdir, "_static", THEME_STYLE)
    style.write_text(LETTER.sub("", style.read_text()))


def share_images(app: Sphinx, env) -> None:
    """Store an image once that pages show twice: a lead figure, and the same below."""
    names: dict[str, str] = {}
    for path, (pages, name) in sorted(env.images.items()):
        digest = sha256(Path(app.srcdir, path).read_bytes()).hexdigest()
        env.images[path] = pages, names.setdefault(digest, name)


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
    app.connect("config-inited", load_mathjax)
    app.connect("builder-inited", copy_mathjax)
    app.connect("env-get-outdated", changed_style)
    app.connect("env-updated", share_images)
    app.connect("build-finished", keep_used_icons, priority=900)
    # After the theme, which adds its own scripts at the default priority of 500.
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
