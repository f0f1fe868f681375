"""One request as it arrives, byte by byte: is all of it here? Pure.

Only the end is looked for here (RFC 9112, sections 6 and 7.1). gunicorn's parser reads what was collected, from the
collected bytes alone, and is the only judge of what they mean: a head that is not understood here is handed to it as
it is.
"""

from __future__ import annotations

import re
from enum import Enum, auto

HEAD_END, LINE_END = b"\r\n\r\n", b"\r\n"
CHUNK_LINE_MAX = 1024  # bytes of a chunk's size and its extensions, or of the fields after the last chunk
CONTINUE = b"100-continue"


class Stage(Enum):
    """What an arrival waits for."""

    HEAD = auto()
    BODY = auto()
    WHOLE = auto()


class Arrival:
    """The bytes of one request so far, and what is still to come.

    ``head_max`` and ``body_max`` are bytes. What is longer counts as whole at once: there is nothing to wait for
    before it is refused.
    """

    def __init__(self, head_max: int, body_max: int) -> None:
        self._head_max = head_max
        self._body_max = body_max
        self._bytes = bytearray()
        self._seen = 0  # up to where the end of the head, or the next chunk, was looked for
        self._end: int | None = None  # where the body ends, once that is known
        self._body_at = 0
        self.stage = Stage.HEAD
        self.expects_continue = False

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def whole(self) -> bool:
        return self.stage is Stage.WHOLE

    @property
    def is_cut(self) -> bool:
        """Whether some of it may still come, so that nothing behind it is the beginning of another request."""
        return self._end is None or len(self._bytes) < self._end

    def add(self, data: bytes) -> None:
        """Take ``data``, which follows what is here."""
        self._bytes += data
        if self.stage is Stage.HEAD:
            self._look_for_head()
        if self.stage is Stage.BODY:
            self._look_for_body()

    def taken(self) -> list[bytes]:
        """All that arrived, which may be more than one request.

        In two pieces when there is no end of a head in it: gunicorn's parser looks how long a head has become when it
        reads on.
        """
        whole = bytes(self._bytes)
        return [whole] if self._body_at else [whole[:-1], whole[-1:]]

    def _look_for_head(self) -> None:
        at = self._bytes.find(HEAD_END, max(0, self._seen - len(HEAD_END)))
        self._seen = len(self._bytes)
        if at < 0 and len(self._bytes) <= self._head_max:
            return
        self.stage = Stage.WHOLE
        if at < 0 or at > self._head_max:
            return
        self._body_at = self._seen = at + len(HEAD_END)
        fields = _fields(bytes(self._bytes[:at]))
        lengths, codings = fields.get(b"content-length", []), fields.get(b"transfer-encoding", [])
        if codings:
            chunked = not lengths and len(codings) == 1 and codings[0].lower() == b"chunked"
            self.stage = Stage.BODY if chunked else Stage.WHOLE
        elif len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 20:
            length = int(lengths[0])
            self._end = self._body_at + length
            self.stage = Stage.BODY if 0 < length <= self._body_max else Stage.WHOLE
        elif not lengths:
            self._end = self._body_at
        self.expects_continue = self.stage is Stage.BODY and CONTINUE in [
            value.lower() for value in fields.get(b"expect", [])
        ]

    def _look_for_body(self) -> None:
        if self._end is None:
            self._end = self._end_of_chunks()
        too_much = len(self._bytes) - self._body_at > self._body_max
        if too_much or (self._end is not None and len(self._bytes) >= self._end):
            self.stage = Stage.WHOLE

    def _end_of_chunks(self) -> int | None:
        """Where a chunked body ends; ``None`` when it goes on. What is no chunk ends it: the parser refuses it."""
        while (line_end := self._bytes.find(LINE_END, self._seen)) >= 0:
            size = _size(bytes(self._bytes[self._seen : line_end]))
            if size is None:
                return self._seen
            if size == 0:
                return self._end_of_trailer(line_end)
            following = line_end + len(LINE_END) + size + len(LINE_END)
            if following > len(self._bytes):
                return None
            self._seen = following
        return self._seen if len(self._bytes) - self._seen > CHUNK_LINE_MAX else None

    def _end_of_trailer(self, line_end: int) -> int | None:
        """Where the fields after the last chunk end, whose line ends at ``line_end``."""
        at = self._bytes.find(HEAD_END, line_end)
        if at >= 0:
            return at + len(HEAD_END)
        return self._seen if len(self._bytes) - line_end > CHUNK_LINE_MAX else None


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The fields of a head by name in lower case; lines that are none are passed over."""
    fields: dict[bytes, list[bytes]] = {}
    for line in head.split(LINE_END)[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            fields.setdefault(name.strip().lower(), []).append(value.strip())
    return fields


def _size(line: bytes) -> int | None:
    """A chunk's size in bytes; ``None`` when the line does not say one."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,16}", digits) else None
