"""Lists of names that the room goes by, one a line, `#` begins a comment; data, so that they can be added to.

`free_mail_domains.txt`: domains under which anybody can have an address, so that sharing one proves nothing.
`drafts_folders.txt`: what mail programs call the folder of unfinished letters, where the server does not mark it.
"""

from functools import cache
from importlib import resources


@cache
def free_mail_domains() -> frozenset[str]:
    return _lines("free_mail_domains.txt")


@cache
def drafts_names() -> frozenset[str]:
    return _lines("drafts_folders.txt")


def _lines(name: str) -> frozenset[str]:
    text = (resources.files(__name__) / name).read_text(encoding="utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(line.casefold() for line in lines if line)
