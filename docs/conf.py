"""How Sphinx makes a site of the pages: `python -m sphinx -W --keep-going -b html docs build/docs`.

The pages are plain Markdown that a code host shows as it is. What a site needs beyond that is added while they are
read: the table of contents is the list of links in index.md, `<div dir="rtl">` becomes the direction of the page,
links to anchors that a page itself sets in HTML stay HTML, and links to files outside docs/ become their names. Every
warning is an error, dead links among them.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

project = "Khatm"
author = project_copyright = "The Khatm authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["build", "_site"]
html_theme = "alabaster"
html_static_path = ["_site"]
templates_path = ["_site"]
html_css_files = ["khatm.css"]
html_title = "Khatm"
html_show_sourcelink = False
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "description": "Saudi e-invoicing, and a whole Fatoora on a laptop",
    "fixed_sidebar": True,
    "page_width": "1100px",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
myst_heading_anchors = 3
nitpicky = True

_RIGHT_TO_LEFT = '<div dir="rtl">\n'
_WRAPPER = re.compile(r'^(?:<div dir="rtl">|</div>)$', re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_LINK_HERE = re.compile(r"\[([^\]]+)\]\(#([^)]+)\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PAGE_LINK = re.compile(r"\]\(([\w./-]+)\.md\)")
_CONTENTS = "\n```{{toctree}}\n:hidden:\n{options}\n{entries}\n```\n"


def _for_the_site(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add to a page, as it is read, what a site needs."""
    text = source[0]
    if text.startswith(_RIGHT_TO_LEFT):
        text = _WRAPPER.sub("", text)
    anchors = set(_ANCHOR.findall(text))
    text = _LINK_HERE.sub(lambda link: f'<a href="#{link[2]}">{link[1]}</a>' if link[2] in anchors else link[0], text)
    folder = Path(app.srcdir, docname).parent
    text = _LINK.sub(lambda link: _within(link, folder, Path(app.srcdir)), text)
    if docname == root_doc:
        entries = dict.fromkeys(name for name in _PAGE_LINK.findall(text) if not name.startswith(".."))
        text += _CONTENTS.format(options=":maxdepth: 1", entries="\n".join(entries))
    if docname == "adr/README":
        text += _CONTENTS.format(options=":glob:", entries="0*")
    source[0] = text


def _within(link: re.Match[str], folder: Path, site: Path) -> str:
    """Leave links to pages as they are; name the file where one leads out of docs/ to a file of the repository."""
    target = (folder / link[2]).resolve()
    if ":" in link[2] or target.is_relative_to(site) or not target.exists():
        return link[0]
    return f"{link[1]} (`{target.relative_to(site.parent)}`)"


def _direct(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Tell the template which way a page is written."""
    source = Path(app.srcdir, f"{pagename}.md")
    arabic = source.exists() and source.read_text(encoding="utf-8").startswith(_RIGHT_TO_LEFT)
    context["page_language"], context["page_direction"] = ("ar", "rtl") if arabic else ("en", "ltr")


def setup(app: Sphinx) -> None:
    """Hang the two steps into Sphinx."""
    app.connect("source-read", _for_the_site)
    app.connect("html-page-context", _direct)
