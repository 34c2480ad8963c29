"""The book: `make book` builds it of the lessons, the documents and the docstrings, and runs none.

Sphinx reads the files where they lie, from the project's folder, so each link in them holds here
and there. `folding.py` folds the answers to bets, `sources.py` shows the source files that are
linked. Rule: a page asks the network for nothing, and a warning is an error.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "kmslab"
author = "the kmslab project"
copyright = "the kmslab project, Apache License 2.0"
html_title = "kmslab"
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "folding",
    "sources",
]

# ----------------------------------------------------------------------------------------- sources

root_doc = "docs/book/index"
include_patterns = [
    "*.md",
    "data/README.md",
    "docs/*.md",
    "docs/**/*.md",
    "examples/*/README.md",
    "notebooks/*.ipynb",
    "notebooks/README.md",
]
exclude_patterns = [".*", "dist", "**/node_modules", "**/__pycache__", "workbook"]

# ---------------------------------------------------------------------------------------- markdown

myst_heading_anchors = 3
smartquotes = False  # the words as they stand in the file

# ----------------------------------------------------------------------------------------- lessons

nb_execution_mode = "off"  # the outputs are those that were committed and tested
nb_render_markdown_format = "myst"  # tables, which CommonMark lacks
nb_merge_streams = True

# --------------------------------------------------------------------------------------- reference

default_role = "code"  # docstrings write `names` as Markdown does
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
viewcode_line_numbers = True

# -------------------------------------------------------------------------------------------- HTML

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_extra_path = ["extra"]  # the first page, which leads to the book's
html_copy_source = False
html_show_search_summary = False  # a page opened as a file may not fetch the pages found
html_show_sphinx = False
html_last_updated_fmt = None  # two builds of the same files are the same
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
