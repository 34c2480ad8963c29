"""A picture as HTML: its caption is the image's text for screen readers, and stands below it.

JupyterLab shows a PNG output with `alt=""`, whatever its metadata say, and an SVG output as an
image without `alt`. Only an `<img>` in an HTML output keeps its text. The visible caption is hidden
from screen readers, which would otherwise say everything twice.

Under a dark theme the browser turns a drawing's lightness around and keeps its hues, so one PNG
serves both themes. The reasons: docs/decisions/0013-a-picture-is-html-with-its-caption.md.
"""

import html
import re
from base64 import b64encode

INVERTED = 0.93  # white becomes #121212, the colour of JupyterLab's dark pages but for a shade
DARK_THEMES = ('[data-jp-theme-light="false"]', '[data-theme="dark"]', ".vscode-dark")
DRAWING = "kmslab-drawing"
STYLE = (
    f"<style>:is({','.join(DARK_THEMES)}) .{DRAWING}"
    f"{{filter:invert({INVERTED}) hue-rotate(180deg)}}</style>"
)
IMAGE_STYLE = "max-width:100%;height:auto;border-radius:8px"


def picture(png: bytes, width: int, caption: str) -> str:
    """`caption` is Markdown, `width` is in CSS pixels."""
    source = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
    alt = html.escape(plain(caption))
    look = f'class="{DRAWING}" width="{width}" style="{IMAGE_STYLE}"'
    return (
        f'{STYLE}\n<figure style="margin:0">\n'
        f'<img alt="{alt}" {look} src="{source}">\n'
        f'<figcaption aria-hidden="true">{_markup(caption)}</figcaption>\n</figure>'
    )


def plain(markdown: str) -> str:
    """The text without Markdown's emphasis."""
    return markdown.replace("**", "").replace("`", "")


def _markup(markdown: str) -> str:
    """The caption's emphasis, the only Markdown that captions have."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(markdown, quote=False))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", bold)
