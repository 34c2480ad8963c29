"""Source files that a document links become pages of the book, coloured and with line numbers.

Without this a browser would download them. What is no text stays a download.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.osutil import relative_uri

FOLDER = "sources"
LONGEST = 200_000  # bytes: colouring the contract's 300 kB takes longer than the rest of the book
LEXERS = {".py": "python", ".json": "json", ".toml": "toml", ".yaml": "yaml", ".sh": "bash"}


def is_readable(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > LONGEST:
        return False
    return b"\0" not in path.read_bytes()


def link_pages(app: Any, doctree: nodes.document) -> None:
    """Before Sphinx collects the downloads: links to text lead to pages of the book."""
    docname = app.env.docname
    linked = app.env.book_sources[docname] = set()
    for node in list(doctree.findall(addnodes.download_reference)):
        found = Path(app.env.relfn2path(node["reftarget"], docname)[1])
        if not is_readable(found):
            continue
        name = found.resolve().relative_to(Path(app.srcdir).resolve()).as_posix()
        linked.add(name)
        page = relative_uri(f"{docname}.html", f"{FOLDER}/{name}.html")
        node.replace_self(nodes.reference("", "", *node.children, refuri=page, internal=True))


def begin(app: Any, env: Any, docnames: list[str]) -> None:
    env.book_sources = getattr(env, "book_sources", {})


def forget(app: Any, env: Any, docname: str) -> None:
    getattr(env, "book_sources", {}).pop(docname, None)


def pages(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    for name in sorted(set().union(*app.env.book_sources.values())):
        path = Path(app.srcdir) / name
        lexer = LEXERS.get(path.suffix, "text")
        text = path.read_text(encoding="utf-8")
        body = app.builder.highlighter.highlight_block(text, lexer, linenos=True)
        title = escape(name)
        yield f"{FOLDER}/{name}", {"title": title, "body": f"<h1>{title}</h1>{body}"}, "page.html"


def setup(app: Any) -> dict[str, Any]:
    app.connect("env-before-read-docs", begin)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-read", link_pages, priority=400)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": False, "env_version": 1}
