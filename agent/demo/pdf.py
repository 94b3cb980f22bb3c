"""A PDF of one page with lines of text, by hand: enough for an invoice that is attached to a reminder. Pure.

Text is in one of the fonts that every reader has (ISO 32000 9.6.2.2), encoded as Windows-1252. What it does not do:
wrap lines, lay out, or take letters that Windows-1252 lacks (they become question marks).
"""

from collections.abc import Sequence

_TOP, _LEFT, _LEADING = 780, 60, 18


def one_page(lines: Sequence[str]) -> bytes:
    """An A4 page with these lines, from the top left."""
    shown = b"\n".join(b"(" + _escaped(line) + b") Tj T*" for line in lines)
    content = b"BT /F1 11 Tf %d TL %d %d Td\n%s\nET" % (_LEADING, _LEFT, _TOP, shown)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
            b" /Resources << /Font << /F1 4 0 R >> >> >>"
        ),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    )
    body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(body))
    )


def _escaped(line: str) -> bytes:
    raw = line.encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
