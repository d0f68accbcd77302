"""Android's commands, by the name that a shell calls them."""

from __future__ import annotations

from ..shell.call import Program
from . import capture, files, pointer, text

PROGRAMS: dict[str, Program] = {**files.PROGRAMS, **text.PROGRAMS, **capture.PROGRAMS, **pointer.PROGRAMS}
