"""Files of many formats, made here of a few sentences of our own."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PROSE = (
    "The tide turns twice a day, and a boat that is not tied to the quay leaves with it before the cook is up. "
    "Fishers therefore learn the knots first, and the weather afterwards."
)


def zipped(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """Write a ZIP package with these parts, the first of them stored as it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for number, (name, body) in enumerate(parts.items()):
            package.writestr(name, body, zipfile.ZIP_STORED if number == 0 else None)
    return path


def pdf(path: Path, pages: Sequence[str | None]) -> Path:
    """Write a PDF: a page for each text, and a page with a picture alone for each None."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    picture = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    last = 4 + 2 * len(pages)
    for n, text in enumerate(pages):
        drawn = "q 600 0 0 800 0 0 cm /I Do Q" if text is None else _shown(text)
        uses = f"/XObject << /I {last} 0 R >>" if text is None else "/Font << /F 3 0 R >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R /Resources << {uses} >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    objects.append(f"{picture} /Length 1 >>\nstream\n0\nendstream")
    objects.append("<< /Title (Knots and Tides) /Author (A. Fisher) >>")
    body, places = b"%PDF-1.4\n", list[int]()
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    )
    path.write_bytes(body + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode())
    return path


def _shown(text: str) -> str:
    words, lines = text.split(), list[str]()
    for start in range(0, len(words), 12):
        lines.append(" ".join(words[start : start + 12]))
    said = "".join(f"({line}) Tj T* " for line in lines)
    return f"BT /F 11 Tf 14 TL 50 740 Td {said}ET"


def docx(path: Path, *paragraphs: str) -> Path:
    """Write a Word document: a heading, these paragraphs, and a table of two cells."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    said = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    head = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Knots</w:t></w:r></w:p>'
    cells = "".join(f"<w:tc><w:p><w:r><w:t>{cell}</w:t></w:r></w:p></w:tc>" for cell in ("bowline", "holds"))
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    return zipped(
        path,
        {
            "[Content_Types].xml": types,
            "_rels/.rels": _relations("officeDocument/2006/relationships/officeDocument", "word/document.xml"),
            "docProps/core.xml": '<c:p xmlns:c="x" xmlns:d="y"><d:title>Knots</d:title>'
            "<d:creator>A. Fisher</d:creator></c:p>",
            "word/document.xml": f"<w:document {space}><w:body>{head}{said}<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
            "</w:body></w:document>",
        },
    )


def _relations(kind: str, target: str) -> str:
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        f'Type="http://schemas.openxmlformats.org/{kind}" Target="{target}"/></Relationships>'
    )


def epub(path: Path, *chapters: str) -> Path:
    """Write an e-book with these chapters, and one that it names and does not hold."""
    names = [f"c{n}.xhtml" for n in range(len(chapters))]
    items = "".join(f'<item id="{name}" href="{name}"/>' for name in [*names, "lost.xhtml"])
    spine = "".join(f'<itemref idref="{name}"/>' for name in [*names, "lost.xhtml"])
    about = "<dc:title>Tides</dc:title><dc:creator>A. Fisher</dc:creator>"
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata>{about}</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/a.opf"/></rootfiles></container>'
    )
    told = zip(names, chapters, strict=True)
    pages = {f"OEBPS/{name}": f"<html><body><h1>C</h1><p>{text}</p></body></html>" for name, text in told}
    return zipped(
        path,
        {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/a.opf": package, **pages},
    )


def pptx(path: Path, *slides: str) -> Path:
    """Write slides with these texts; needs python-pptx."""
    import pptx as library

    deck = library.Presentation()
    for text in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[5 if text else 6])
        if text:
            slide.shapes.title.text = text  # pyright: ignore[reportOptionalMemberAccess] - this layout has one
    deck.save(str(path))
    return path


def notebook(path: Path) -> Path:
    """Write a notebook: a heading, prose, code, and what the code printed."""
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "\n", PROSE]},
        {"cell_type": "code", "source": "print(1 + 1)", "outputs": [{"text": ["2\n"]}]},
    ]
    about = {"kernelspec": {"language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": cells}, indent=1))
    return path


def mbox(path: Path, *texts: str) -> Path:
    """Write a mailbox of these messages."""
    out = io.StringIO()
    for number, text in enumerate(texts):
        out.write(
            f"From a@b.example Mon Feb  3 10:00:0{number} 2020\nFrom: Ann <a@b.example>\nSubject: Tides {number}\n"
            f"Date: Mon, 3 Feb 2020 10:00:0{number} +0000\nMIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset=utf-8\n\n{text}\n\n"
        )
    path.write_text(out.getvalue())
    return path


def mhtml(path: Path, text: str) -> Path:
    """Write a page as a browser saves it."""
    page = f"<html><head><title>Tides</title></head><body><p>Überfahrt. {text}</p></body></html>"
    path.write_bytes(
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://sea.example/tides\r\nSubject: Tides\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="--b"\r\n\r\n'
        b"----b\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + page.encode("latin-1")
        + b"\r\n----b\r\nContent-Type: image/png\r\n\r\nx\r\n----b--\r\n"
    )
    return path


def wiki(path: Path, *pages: str) -> Path:
    """Write a dump of MediaWiki: these pages, a redirect, a page about the wiki, and one that is cut."""
    said = [
        f"  <page><title>Knot {n}</title><ns>0</ns><id>{n}</id><revision><timestamp>2024-01-02T03:04:05Z</timestamp>"
        f'<text xml:space="preserve">{text}</text></revision></page>\n'
        for n, text in enumerate(pages)
    ]
    said += ['  <page><title>Bend</title><ns>0</ns><redirect title="Knot 0"/><revision/></page>\n']
    said += ["  <page><title>Talk:Knot</title><ns>1</ns><revision><text>Hm.</text></revision></page>\n"]
    path.write_text(
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>\n' + "".join(said) + "</mediawiki>\n"
    )
    return path


def posts(path: Path, text: str) -> Path:
    """Write a dump of Stack Exchange: a question, its answer, and a post that is neither."""
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
        '  <row Id="1" PostTypeId="1" CreationDate="2024-01-02T03:04:05.678" Title="How is a boat tied?" '
        f'Body="&lt;p&gt;{text}&lt;/p&gt;" ContentLicense="CC BY-SA 4.0" />\n'
        f'  <row Id="2" PostTypeId="2" ParentId="1" Body="&lt;p&gt;{text} With a bowline.&lt;/p&gt;" />\n'
        '  <row Id="3" PostTypeId="4" Body="wiki" />\n</posts>\n'
    )
    return path


RSS = f"""<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Sea</title><item><title>Tides</title>
<link>https://sea.example/tides</link><dc:creator>Ann</dc:creator><pubDate>Mon, 03 Feb 2020 10:00:00 GMT</pubDate>
<description>Short.</description><content:encoded><![CDATA[<p>{PROSE}</p>]]></content:encoded></item>
<item><title>Empty & broken</title></item></channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Sea</title><entry><title>Tides</title>
<link rel="self" href="https://sea.example/a.xml"/><link href="https://sea.example/tides"/>
<author><name>Ann</name></author><updated>2020-02-03T10:00:00Z</updated>
<content type="html">&lt;p&gt;{PROSE}&lt;/p&gt;</content></entry></feed>"""
