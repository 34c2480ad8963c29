"""The sheet of a class: a slip for each learner, to print and cut, as a page or as plain text.

Rule: a slip holds one learner's credentials and none of another's. The file holds all of them, so
only its owner may read it, and it replaces nothing but an older sheet.
"""

import os
import secrets
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from kmslab.cli.learners import Learner
from kmslab.cli.options import CommandError

MARK = "kmslab: a class's access keys"
KINDS = (".html", ".txt")
WIDTH = 72  # columns of the text
STYLE = """
  body { font: 11pt/1.4 "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans CJK KR", "NanumGothic",
    sans-serif; margin: 1rem; color: #000; background: #fff; }
  pre, code { font-family: "D2Coding", Consolas, Menlo, monospace; font-size: 10pt; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #000; padding: .5rem; }
  main { display: grid; grid-template-columns: 1fr 1fr; break-before: page; }
  article { border: 1px dashed #000; padding: .7rem .9rem; break-inside: avoid; }
  h2 { font-size: 13pt; margin: 0 0 .3rem; } dl { margin: 0; } dt { font-size: 9pt; }
  dd { margin: 0 0 .2rem; } dd code { font-size: 12pt; overflow-wrap: anywhere; }
  @page { size: A4; margin: 10mm; }
"""
INTRODUCTION = (
    "Print this and cut along the lines. Each slip is a password: give it to its learner alone. "
    "The lines below are the same for all: send them to the class as a file. Each learner types "
    "the two values of the slip in place of ID and SECRET, and pastes the lines into a shell."
)
WITH_CERTIFICATE = (
    "Hand out {} too; AWS_CA_BUNDLE is where a learner has put it. It holds no secret."
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """`shells`: lines for each shell, with ID and SECRET to replace. `notes`: for the teacher."""

    learners: Sequence[Learner]
    url: str
    region: str
    certificate: str  # the name of the file that clients trust, or ""
    shells: dict[str, str]
    notes: Sequence[str]

    @property
    def _instructions(self) -> list[str]:
        certificate = [WITH_CERTIFICATE.format(self.certificate)] if self.certificate else []
        return [INTRODUCTION, *certificate, *self.notes]

    def html(self) -> str:
        paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in self._instructions)
        shells = "".join(
            f"<h2>{escape(name)}</h2>\n<pre>{escape(lines)}</pre>\n"
            for name, lines in self.shells.items()
        )
        slips = "".join(self._article(learner) for learner in self.learners)
        return (
            f'<!DOCTYPE html>\n<!-- {MARK} -->\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f"<title>kmslab: slips for {len(self.learners)} learners</title>\n"
            f"<style>{STYLE}</style>\n</head>\n<body>\n{paragraphs}{shells}"
            f"<main>\n{slips}</main>\n</body>\n</html>\n"
        )

    def _article(self, learner: Learner) -> str:
        rows = "".join(
            f"<dt>{escape(label)}</dt><dd><code>{escape(value)}</code></dd>\n"
            for label, value in self._rows(learner)
        )
        return f"<article>\n<h2>{escape(_title(learner))}</h2>\n<dl>\n{rows}</dl>\n</article>\n"

    def text(self) -> str:
        parts = [MARK, *(textwrap.fill(text, WIDTH) for text in self._instructions)]
        parts += [
            f"{name}\n\n{textwrap.indent(lines, '  ')}" for name, lines in self.shells.items()
        ]
        return (
            "\n\n".join(parts)
            + "\n\n"
            + "".join(map(self._slip, self.learners))
            + "-" * WIDTH
            + "\n"
        )

    def _slip(self, learner: Learner) -> str:
        rows = "".join(f"  {label:20}{value}\n" for label, value in self._rows(learner))
        return f"{'-' * WIDTH}\n{_title(learner)}\n\n{rows}\n"

    def _rows(self, learner: Learner) -> list[tuple[str, str]]:
        rows = [
            ("Your account", learner.account),
            ("Access key ID", learner.access_key.id),
            ("Secret access key", learner.access_key.secret.decode()),
            ("Endpoint", self.url),
            ("Region", self.region),
        ]
        return rows + ([("Certificate file", self.certificate)] if self.certificate else [])


def _title(learner: Learner) -> str:
    return f"{learner.number} · {learner.name}" if learner.name else f"Learner {learner.number}"


def check_target(path: Path) -> None:
    """Raises ValueError unless a sheet can be written there without the loss of another file."""
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"{path} has to end in {' or '.join(KINDS)}")
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist")
    if path.exists() and not _is_sheet(path):
        raise ValueError(f"{path} is there and is not a sheet: give another name")


def _is_sheet(path: Path) -> bool:
    return path.is_file() and MARK.encode() in path.read_bytes()[:200]


def write(sheet: Sheet, path: Path) -> None:
    """Written beside its place first, readable by its owner only from the beginning."""
    content = sheet.html() if path.suffix.lower() == ".html" else sheet.text()
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content.encode())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
