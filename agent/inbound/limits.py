"""What reading one mail may cost, and how the two sides of the reading process part their frames."""

from __future__ import annotations

import struct

#: bytes of address space of the child
MEMORY = 1024 * 1024 * 1024
#: seconds of processor time, and of waiting, for one mail
SECONDS = 20
#: files and pipes that the child may have open
OPEN_FILES = 64
#: the length before each frame
LENGTH = struct.Struct(">Q")
