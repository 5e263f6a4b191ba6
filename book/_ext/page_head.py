"""What others read of a page: its description and card, roles; a page for no page."""

import os
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

LONGEST = 200  # letters of a description that search engines show
# What the tools before this one write, and what a screen reader can make sense of.
SENSE = {
    ' role="doc-biblioentry"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    '<th class="head"><p></p></th>': "<td></td>",
    "<th></th>": "<td></td>",
}
# What a run put into a sentence is bold; a whole sentence of it would shout.
SENTENCE = re.compile(r'<span class="pasted-text">([^<]{46,})</span>')
PLAIN = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
<style>
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 10vh auto; }}
body {{ padding: 0 1rem; color-scheme: light dark; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{words}</p>
</main>
</body>
</html>
"""


# Host of repositories -> where a file is edited in a browser.
EDITED = {"github": "edit/main", "gitlab": "-/edit/main"}
# Where the book begins is not known to a page shown for any address: it is the nearest
# folder above in which the first page is found.
FIND_HOME = """\
<script>
addEventListener("DOMContentLoaded", async () => {{
  const folders = location.pathname.split("/");
  while (folders.pop() !== undefined && folders.length) {{
    const home = folders.join("/") + "/";
    const found = await fetch(home + "{first}", {{ method: "HEAD" }});
    if (found.ok) {{
      document.querySelector("a").href = home + "{first}";
      return;
    }}
  }}
}});
</script>"""


def set_address(app: Sphinx, config) -> None:
    """Take from the environment, if it says so, where the site will be."""
    config.html_baseurl = os.environ.get("BOOK_ADDRESS") or config.html_baseurl


def link_repository(app: Sphinx, config) -> None:
    """Link pages to their source, if the one setting says where the repository is."""
    repository = os.environ.get("BOOK_REPOSITORY") or config.book_repository
    if not repository:
        return
    repository = repository.rstrip("/")
    host = next((host for host in EDITED if host in repository.lower()), None)
    config.html_context |= {
        "edited_at": f"{repository}/{EDITED.get(host)}",
        "edit_page_provider_name": host or "github",
    }
    config.html_theme_options |= {
        "repository_url": repository,
        # the theme needs one, for its sign
        "repository_provider": host or "github",
        "use_repository_button": True,
        # of another host we do not know how its addresses are made
        "use_edit_page_button": host is not None,
    }


def describe(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Give a page the words and the card that search engines and messengers show."""
    title = context.get("title", "")
    said = _first_words(doctree) or f"{title}, of the book {app.config.html_title}."
    tags = {
        ("name", "description"): said,
        ("property", "og:title"): title,
        ("property", "og:description"): said,
        ("property", "og:type"): "article",
        ("property", "og:site_name"): app.config.html_title,
        ("name", "twitter:card"): "summary",
    }
    if base := app.config.html_baseurl:  # cards need whole addresses
        tags["property", "og:url"] = f"{base.rstrip('/')}/{page}.html"
        tags["property", "og:image"] = f"{base.rstrip('/')}/_static/readme.png"
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta {kind}="{name}" content="{escape(text)}">\n'
        for (kind, name), text in tags.items()
    )


def mend(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Take out of a page roles and headers that say nothing, and bold sentences."""
    body = context.get("body", "")
    for written, meant in SENSE.items():
        body = body.replace(written, meant)
    context["body"] = SENTENCE.sub(r"\1", body)


def _first_words(doctree) -> str:
    """First paragraph of a page, cut between words."""
    if doctree is None:
        return ""
    for paragraph in doctree.findall(nodes.paragraph):
        words = " ".join(paragraph.astext().split())
        if len(words) > 40:
            cut = words[: LONGEST + 1].rsplit(" ", 1)[0]
            return words if len(words) <= LONGEST else f"{cut} …"
    return ""


def write_plain_pages(app: Sphinx, error) -> None:
    """Write the index, which leads to the first page, and the page for no page."""
    if error or app.builder.format != "html":
        return
    first = f"{app.config.root_doc}.html"
    home = f"{app.config.html_baseurl.rstrip('/')}/" if app.config.html_baseurl else "/"
    pages = {
        "index.html": (
            app.config.html_title,
            f'<meta http-equiv="refresh" content="0; url={first}">',
            f'<a href="{first}">Open the book</a>',
        ),
        "404.html": (
            "There is no such page",
            "" if app.config.html_baseurl else FIND_HOME.format(first=first),
            f'The address may be old or mistyped. <a href="{home}">Open the book</a>',
        ),
    }
    for name, (title, head, words) in pages.items():
        text = PLAIN.format(title=escape(title), head=head, words=words)
        Path(app.outdir, name).write_text(text)


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.add_config_value("book_repository", "", "html")
    app.connect("config-inited", set_address)
    app.connect("config-inited", link_repository)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", mend)
    app.connect("build-finished", write_plain_pages, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
