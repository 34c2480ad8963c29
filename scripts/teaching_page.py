"""`teaching.html` of a handout: docs/teaching.md as a page that needs no network."""

from pathlib import Path

import mistune

SOURCE = Path(__file__).parents[1] / "docs" / "teaching.md"
STYLE = """
  :root { color-scheme: light dark; }
  body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }
  body { padding: 0 1rem; } table { border-collapse: collapse; }
  th, td { border: 1px solid; padding: .3rem .6rem; text-align: left; }
  td { vertical-align: top; } pre { border: 1px solid; padding: .6rem; overflow-x: auto; }
  @media print { body { font-size: 11pt; margin: 0; } tr, pre { break-inside: avoid; } }
"""


class WithoutNeighbours(mistune.HTMLRenderer):
    """A link to another file of the project becomes its text: that file is not beside the page."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, url, title) if url.startswith("#") else text

    def heading(self, text: str, level: int, **_: object) -> str:
        anchor = "".join(each for each in text.lower() if each.isalnum() or each in " -")
        return f'<h{level} id="{anchor.replace(" ", "-")}">{text}</h{level}>\n'


def teaching_page(source: str | None = None) -> str:
    text = SOURCE.read_text(encoding="utf-8") if source is None else source
    body = mistune.create_markdown(renderer=WithoutNeighbours(), plugins=["table"])(text)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>kmslab: teaching it</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}"
        "</body>\n</html>\n"
    )
