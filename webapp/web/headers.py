"""Security headers on every answer, errors included, and what a request must look like to be answered at all."""

from __future__ import annotations

from typing import IO
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import SecurityError
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import LimitedStream

from config import Settings
from webapp.platforms.intercom.connector import REGIONS
from webapp.platforms.zendesk.connector import URL as ZENDESK_URL
from webapp.web.return_url import is_one_way

# Where files are sent, and the fields that hold them.
FILES: dict[str, set[str]] = {"uploads.start": {"file"}}


def init_app(app: Flask, settings: Settings) -> None:
    protection = protection_of(settings)

    @app.before_request
    def _known_host() -> None:
        if not host_is_trusted(request.host.lower(), list(settings.allowed_hosts)):
            raise SecurityError(f"host {request.host!r} is not in ALLOWED_HOSTS")

    @app.before_request
    def _readable() -> None:
        _refuse_unreadable(settings.max_form_parts)

    @app.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.update(protection)
        if is_one_way():  # forms over https are asked which site they are of, so the address is cut to that
            headers["Referrer-Policy"] = "strict-origin"
        if is_file() and response.status_code < 400:
            if not current_app.debug:
                headers["Cache-Control"] = "public, max-age=3600"
        else:
            headers["Cache-Control"] = "no-store"
            response.vary.add("Cookie")
        return response


def protection_of(settings: Settings) -> dict[str, str]:
    """The headers by which browsers protect people, alike on every answer."""
    form_targets = " ".join(["'self'", *_authorize_origins(settings)])
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src 'self'; form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def _refuse_unreadable(most: int) -> None:
    """Not too many fields (Werkzeug counts those of multipart forms only), no U+0000 in them, no file for a text.

    No database text can hold that character; Postgres would refuse it in the middle of a query.
    """
    texts = [request.path, *_texts(_asked())]
    if request.method == "POST":
        texts += _texts(request.form)
        if not request.files.keys() <= FILES.get(request.endpoint or "", set()):
            abort(400)  # forms take a file for the text of its field
        if request.content_length is None and _is_cut_off(request.stream):
            abort(413)
    if len(texts) > 2 * most:
        abort(413)
    if any("\0" in text for text in texts):
        abort(400)


def _asked() -> MultiDict[str, str]:
    """What the address asks for; 400 for bytes that are neither percent-encoded nor UTF-8."""
    try:
        return request.args
    except UnicodeDecodeError:
        abort(400)


def _texts(values: MultiDict[str, str]) -> list[str]:
    return [text for pair in values.items(multi=True) for text in pair]


def _is_cut_off(stream: IO[bytes] | LimitedStream) -> bool:
    """Whether a body sent in chunks reached the limit, where Werkzeug stops reading without a word."""
    return isinstance(stream, LimitedStream) and stream.is_exhausted


def is_file() -> bool:
    """Whether the request is for a file that everyone gets alike: a style sheet, a script, a picture."""
    return is_static(request.endpoint or "")


def is_static(endpoint: str) -> bool:
    """Whether ``endpoint`` serves files of the product or of a package."""
    return endpoint == "static" or endpoint.endswith(".static")


def _authorize_origins(settings: Settings) -> list[str]:
    """Where Connect's form may be redirected: browsers apply form-action to the redirect as well."""
    origins = (
        [_origin(settings.intercom.authorize_url)]
        if settings.intercom.authorize_url
        else [_origin(region.authorize_url) for region in REGIONS.values()]
    )
    return [*origins, _origin((settings.zendesk.api_url or ZENDESK_URL).replace("{subdomain}", "*"))]


def _origin(address: str) -> str:
    url = urlsplit(address)
    return f"{url.scheme}://{url.netloc}"
