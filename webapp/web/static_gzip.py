"""Style sheets and scripts travel compressed, each packed once for a process.

Pages do not: they carry secrets beside what visitors send, and the length of a compressed answer would tell about both.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

from webapp.web.headers import is_file

KINDS = {"text/css", "text/javascript", "application/javascript", "image/svg+xml"}
WORTH_IT = 1_000  # bytes


def init_app(app: Flask) -> None:
    packed: dict[tuple[str, str], bytes] = {}  # by address and version of the file

    @app.after_request
    def _compress(response: Response) -> Response:
        if not is_file() or response.mimetype not in KINDS:
            return response
        response.vary.add("Accept-Encoding")
        version, _ = response.get_etag()
        if version is None or not request.accept_encodings["gzip"]:
            return response
        if response.status_code == 200:
            response.direct_passthrough = False
            body = response.get_data()
            if len(body) >= WORTH_IT:
                key = request.path, version
                if key not in packed:
                    packed[key] = gzip.compress(body, mtime=0)
                response.set_data(packed[key])
                response.headers["Content-Encoding"] = "gzip"
                response.headers.pop("Accept-Ranges", None)
        response.set_etag(version, weak=True)  # one that the file and its packed form may share
        return response
