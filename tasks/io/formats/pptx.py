"""Slides (PPTX), by python-pptx: a slide each, by its number, with its notes."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from zipfile import ZipFile

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.formats import zipped

VERSION = 1
NEEDS = "pptx"
PAGES = True


def is_this(name: str, start: bytes) -> bool:
    """Tell by the parts of the package."""
    return zipped.has(start, b"ppt/", name, ".pptx")


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the slides."""
    from pptx import Presentation

    about = zipped.about(zipped.check(ZipFile(file)))
    file.seek(0)
    for number, slide in enumerate(Presentation(file).slides, start=1):
        parts = [said for shape in slide.shapes if (said := _said(shape))]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame:
            parts.append(slide.notes_slide.notes_text_frame.text.strip())
        text = "\n\n".join(part for part in parts if part)
        if text:
            yield {"text": text, "fragment": f"slide={number}", **about}
        else:
            yield Rejection("no_text", f"slide {number} has no text")


def _said(shape: Any) -> str:
    if shape.has_text_frame:
        return shape.text_frame.text.replace("\v", "\n").strip()
    if getattr(shape, "has_table", False):
        return "\n".join(" | ".join(cell.text for cell in row.cells) for row in shape.table.rows)
    return "\n".join(said for one in getattr(shape, "shapes", []) if (said := _said(one)))
