"""Who may do what: every route, every method, everyone, and the answer each of them gets.

``in`` is the way to the sign-in page; anything else is a status. GET stands for HEAD too. What a POST says is what
it answers to a form with a token; without one it is 400 for everyone. A method that is not listed is 405.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.access.world import ACTORS, Things

TABLE = """
#                                                          anon admi mana team qual agen syst  off othe both help star
GET  /                                                        in  302  302  302  302  302  302  200  302  302  302  302
GET  /sign-in                                                200  302  302  302  302  302  302  302  302  302  302  302
POST /sign-in                                                422  422  422  422  422  422  422  422  422  422  422  422
GET  /forgot-password                                        200  200  200  200  200  200  200  200  200  200  200  200
POST /forgot-password                                        422  422  422  422  422  422  422  422  422  422  422  422
GET  /reset-password                                         410  410  410  410  410  410  410  410  410  410  410  410
POST /reset-password                                         410  410  410  410  410  410  410  410  410  410  410  410
GET  /invitation                                             410  410  410  410  410  410  410  410  410  410  410  410
POST /invitation                                             410  410  410  410  410  410  410  410  410  410  410  410
POST /invitation/sign-out                                    410  410  410  410  410  410  410  410  410  410  410  410
GET  /account                                                 in  200  200  200  200  200  200  200  200  200  200  200
POST /account/name                                            in  422  422  422  422  422  422  422  422  422  422  422
POST /account/password                                        in  422  422  422  422  422  422  422  422  422  422  422
POST /account/email                                           in  422  422  422  422  422  422  422  422  422  422  422
GET  /account/email/link                                      302  302  302  302  302  302  302  302  302  302  302  302
GET  /account/email/confirm                                   in  410  410  410  410  410  410  410  410  410  410  410
POST /account/email/confirm                                   in  410  410  410  410  410  410  410  410  410  410  410
POST /account/sessions/<int:session_id>/end                   in  303  404  404  404  404  404  404  404  404  404  404
POST /account/sessions/end-others                             in  303  303  303  303  303  303  303  303  303  303  303
POST /theme                                                  303  303  303  303  303  303  303  303  303  303  303  303
GET  /healthz                                                200  200  200  200  200  200  200  200  200  200  200  200
GET  /healthz/live                                           200  200  200  200  200  200  200  200  200  200  200  200
GET  /healthz/ready                                          200  200  200  200  200  200  200  200  200  200  200  200
GET  /static/<path:filename>                                 200  200  200  200  200  200  200  200  200  200  200  200
GET  /static/css/all.css                                     200  200  200  200  200  200  200  200  200  200  200  200
GET  /bootstrap/static/<path:filename>                       200  200  200  200  200  200  200  200  200  200  200  200
GET  /integrations/<platform>/callback                        in  400  400  400  400  400  400  400  400  400  400  400

GET  /c/<contract>/                                           in  302  302  200  200  200  302  404  404  302  404  404
GET  /c/<contract>/audit                                      in  200  403  403  403  403  200  404  404  200  404  404
POST /c/<contract>/audit/export                               in  200  403  403  403  403  200  404  404  200  404  404

GET  /c/<contract>/users                                      in  200  200  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>                           in  200  200  403  403  403  403  404  404  403  404  404
POST {invitation}                                             in  302  302  403  403  403  403  404  404  403  404  404
POST {invitation}/revoke                                      in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/keep                                 in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/activate                             in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/activate                             in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/activate/confirm                     in  422  422  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/activate/each                        in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/activate/each                        in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/activate/each/confirm                in  422  422  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/deactivate                           in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/deactivate                           in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/deactivate/confirm                   in  422  422  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/users/new                                  in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/new                                  in  422  422  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>/edit                      in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/<int:user>/edit                      in  409  409  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>/end-sign-ins              in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/<int:user>/end-sign-ins              in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>/history                   in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/export                               in  200  200  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/ignore                               in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/ignore                               in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/ignore/confirm                       in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/ignored/take-back                    in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/ignored/take-back                    in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/ignored/take-back/confirm            in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/activations                          in  200  200  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/activations/<int:activation_id>      in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/activations/<int:activation_id>/undo in  409  409  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/users/upload                               in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/upload                               in  422  422  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/upload/users-template.csv            in  200  200  403  403  403  403  404  404  403  404  404
GET  {upload}                                                 in  200  404  403  403  403  403  404  404  403  404  404
GET  {upload}/problems.csv                                    in  200  404  403  403  403  403  404  404  403  404  404
POST {upload}                                                 in  409  404  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/users/merges                               in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/merges/look                          in  302  302  403  403  403  403  404  404  403  404  404
POST {proposal}/not-same                                      in  302  302  403  403  403  403  404  404  403  404  404
POST {proposal}/take-back                                     in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/merges/<int:merge_id>/undo           in  200  200  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>/merge                     in  200  200  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/<int:user>/merge/<int:other>         in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/<int:user>/merge/<int:other>         in  422  422  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/merges/<int:merge_id>/undo           in  409  409  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/leavers                              in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/leavers/spare                        in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/users/leavers/rule                         in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/users/leavers/rule                         in  302  403  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/sync-status                                in  200  200  403  403  403  200  404  404  200  200  200
GET  /c/<contract>/sync-status/panel                          in  200  200  403  403  403  200  404  404  200  200  200
GET  /c/<contract>/sync-status/runs/<int:run_id>              in  200  200  403  403  403  200  404  404  200  404  404
GET  /c/<contract>/sync-status/runs/<int:run_id>/panel        in  200  200  403  403  403  200  404  404  200  404  404
POST {run}/export                                             in  200  200  403  403  403  200  404  404  200  404  404
GET  {run}/bundle                                             in  200  200  403  403  403  200  404  404  200  404  404
POST {run}/bundle                                             in  200  200  403  403  403  200  404  404  200  404  404
GET  {run}/compare                                            in  302  302  403  403  403  302  404  404  302  404  404
GET  {run}/compare/<int:other_id>                             in  200  200  403  403  403  200  404  404  200  404  404

GET  {undo}                                                   in  200  403  403  403  403  403  404  404  403  404  404
POST {undo}                                                   in  302  403  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/conflicts                                  in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/conflicts/<int:person_id>                  in  302  302  403  403  403  403  404  404  403  404  404
POST /c/<contract>/conflicts/many                             in  302  302  403  403  403  403  404  404  403  404  404
POST {decision}/forget                                        in  302  302  403  403  403  403  404  404  403  404  404

GET  {platforms}                                              in  200  403  403  403  403  403  404  404  403  404  404
GET  {platform}                                               in  200  403  403  403  403  403  404  404  403  404  404
POST {platform}/names-first                                   in  302  403  403  403  403  403  404  404  403  404  404
POST {platform}/connect                                       in  302  403  403  403  403  403  404  404  403  404  404
GET  {sync}                                                   in  200  403  403  403  403  403  404  404  403  404  404
GET  {sync}/panel                                             in  200  403  403  403  403  403  404  404  403  404  404
POST {sync}/identifier                                        in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/safeguard                                         in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/types                                             in  302  403  403  403  403  403  404  404  403  404  404
GET  {sync}/preview                                           in  200  403  403  403  403  403  404  404  403  404  404
POST {sync}/preview                                           in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/runs/<int:run_id>/apply                           in  302  403  403  403  403  403  404  404  403  404  404
GET  {platform}/why                                           in  200  403  403  403  403  403  404  404  403  404  404
POST {platform}/why                                           in  302  403  403  403  403  403  404  404  403  404  404
GET  {platform}/why/<int:question_id>                         in  200  403  403  403  403  403  404  404  403  404  404
GET  {platform}/why/<int:question_id>/panel                   in  200  403  403  403  403  403  404  404  403  404  404
GET  {platform}/exclusions                                    in  200  403  403  403  403  403  404  404  403  404  404
POST {platform}/exclusions                                    in  302  403  403  403  403  403  404  404  403  404  404
POST {platform}/exclusions/<int:exclusion_id>/take-back       in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/enable                                            in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/sync-now                                          in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/runs/<int:run_id>/cancel                          in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/runs/<int:run_id>/approve                         in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/runs/<int:run_id>/approve-and-raise               in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/runs/<int:run_id>/reject                          in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/pause                                             in  302  403  403  403  403  403  404  404  403  404  404
POST {sync}/resume                                            in  302  403  403  403  403  403  404  404  403  404  404
GET  {sync}/disable                                           in  200  403  403  403  403  403  404  404  403  404  404
POST {sync}/disable                                           in  302  403  403  403  403  403  404  404  403  404  404
GET  {other}                                                  in  200  403  403  403  403  403  404  404  403  404  404
POST {other}                                                  in  302  403  403  403  403  403  404  404  403  404  404
POST {other}/keep                                             in  302  403  403  403  403  403  404  404  403  404  404
GET  {platform}/disconnect                                    in  200  403  403  403  403  403  404  404  403  404  404
POST {platform}/disconnect                                    in  302  403  403  403  403  403  404  404  403  404  404

GET  {structure}                                              in  200  200  403  403  403  403  404  404  403  404  404
POST {structure}                                              in  302  422  403  403  403  403  404  404  403  404  404
GET  {structure}/<int:team_id>                                in  200  200  403  403  403  403  404  404  403  404  404
POST {structure}/<int:team_id>/rename                         in  302  302  403  403  403  403  404  404  403  404  404
POST {structure}/<int:team_id>/move                           in  302  302  403  403  403  403  404  404  403  404  404
GET  {structure}/<int:team_id>/archive                        in  200  200  403  403  403  403  404  404  403  404  404
POST {structure}/<int:team_id>/archive                        in  302  302  403  403  403  403  404  404  403  404  404
POST {structure}/<int:team_id>/bring-back                     in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/roles                                      in  200  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/roles/new                                  in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/roles/new                                  in  302  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/roles/<int:role_id>                        in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/roles/<int:role_id>                        in  302  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/roles/<int:role_id>/delete                 in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/roles/<int:role_id>/delete                 in  302  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/settings                                   in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/settings                                   in  302  403  403  403  403  403  404  404  403  404  404

GET  /c/<contract>/notifications                              in  200  200  403  403  403  403  404  404  403  404  404
POST /c/<contract>/notifications                              in  302  302  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/outbox                                     in  200  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/outbox/<int:message_id>                    in  200  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/webhook                                    in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/webhook                                    in  302  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/webhook/secret                             in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/webhook/test                               in  302  403  403  403  403  403  404  404  403  404  404
GET  /c/<contract>/webhook/remove                             in  200  403  403  403  403  403  404  404  403  404  404
POST /c/<contract>/webhook/remove                             in  302  403  403  403  403  403  404  404  403  404  404
GET  /hooks/intercom                                         200  200  200  200  200  200  200  200  200  200  200  200
POST /hooks/intercom                                         400  400  400  400  400  400  400  400  400  400  400  400

GET  /support/sync-status                                     in  404  404  404  404  404  404  404  404  404  200  200
GET  /support/sync-status/panel                               in  404  404  404  404  404  404  404  404  404  200  200
POST /support/sync-status/<int:integration_id>/sync-now       in  404  404  404  404  404  404  404  404  404  404  303

POST /sign-out                                                in  303  303  303  303  303  303  303  303  303  303  303
"""

_PLATFORM = "/c/<contract>/integrations/platforms/<platform>"
_SHORT = {
    "{platforms}": "/c/<contract>/integrations/platforms",
    "{platform}": _PLATFORM,
    "{run}": "/c/<contract>/sync-status/runs/<int:run_id>",
    "{sync}": f"{_PLATFORM}/user-sync",
    "{decision}": "/c/<contract>/conflicts/decisions/<int:decision_id>",
    "{invitation}": "/c/<contract>/users/<int:user>/invitation",
    "{proposal}": "/c/<contract>/users/merges/<int:proposal_id>",
    "{upload}": "/c/<contract>/users/upload/<int:upload_id>",
    "{undo}": "/c/<contract>/sync-status/runs/<int:run_id>/undo",
    "{structure}": "/c/<contract>/structure",
    "{other}": f"{_PLATFORM}/other-account/<int:attempt_id>",
}

# What the forms hold, where an empty one would not do.
FORMS: dict[str, Callable[[Things], dict[str, Any]]] = {
    "/theme": lambda _: {"theme": "dark"},
    "/c/<contract>/users/activate": lambda things: {"status": "pending", "ids": things.pending_id},
    "/c/<contract>/users/activate/confirm": lambda things: {"status": "pending", "ids": things.pending_id},
    "/c/<contract>/users/activate/each": lambda things: {"status": "pending", "ids": things.pending_id},
    "/c/<contract>/users/activate/each/confirm": lambda things: {
        "status": "pending",
        "ids": things.pending_id,
    },
    "/c/<contract>/users/deactivate": lambda things: {"status": "active", "ids": things.active_id},
    "/c/<contract>/users/deactivate/confirm": lambda things: {"status": "active", "ids": things.active_id},
    "/c/<contract>/users/ignore": lambda things: {"status": "pending", "ids": things.pending_id},
    "/c/<contract>/users/ignore/confirm": lambda things: {"status": "pending", "ids": things.pending_id},
    "/c/<contract>/users/ignored/take-back": lambda things: {"status": "ignored", "ids": things.pending_id},
    "/c/<contract>/users/ignored/take-back/confirm": lambda things: {
        "status": "ignored",
        "ids": things.pending_id,
    },
    "/c/<contract>/users/leavers/rule": lambda _: {"when": "after", "days": 30},
    "/c/<contract>/conflicts/<int:person_id>": lambda _: {"choice": "new"},
    "/c/<contract>/conflicts/many": lambda things: {"choice": "new", "ids": things.person_id},
    "/c/<contract>/sync-status/runs/<int:run_id>/export": lambda _: {"form": "json"},
    f"{_PLATFORM}/why": lambda _: {"q": "Pia"},
    f"{_PLATFORM}/exclusions": lambda _: {"pattern": "*@partner.example"},
    "/c/<contract>/webhook": lambda _: {"url": "http://127.0.0.1:9/hook", "events": "run.held"},
    "/c/<contract>/notifications": lambda _: {"kinds": "waiting"},
    "/c/<contract>/structure": lambda _: {"name": "Night shift", "parent": ""},
    "/c/<contract>/structure/<int:team_id>/rename": lambda things: {
        "name": "Day shift",
        "was": f"Team of {things.slug}",
    },
    "/c/<contract>/structure/<int:team_id>/move": lambda things: {"parent": "", "was": things.top_team_id},
    "/c/<contract>/roles/new": lambda _: {"name": "Coach"},
    "/c/<contract>/roles/<int:role_id>": lambda things: {
        "name": "Trainer",
        "was_name": f"Role of {things.slug}",
    },
    "/c/<contract>/settings": lambda things: {
        "name": f"Contract {things.slug}",
        "time_zone": "Europe/London",
    },
    f"{_PLATFORM}/connect": lambda _: {"site": "us"},
    f"{_PLATFORM}/user-sync/identifier": lambda _: {"column": "email"},
    f"{_PLATFORM}/user-sync/safeguard": lambda _: {
        "shrink_percent": 30,
        "shrink_people": 6,
        "growth_percent": 60,
        "growth_people": 70,
    },
    "/c/<contract>/sync-status/runs/<int:run_id>/undo": lambda _: {"then": "pause"},
    f"{_PLATFORM}/user-sync/pause": lambda _: {"reason": "Tidying up there"},
    f"{_PLATFORM}/user-sync/disable": lambda _: {"running": "finish"},
}

# Parts of an address that are not the same for every rule.
PARTS: dict[str, Callable[[Things], dict[str, Any]]] = {
    "/bootstrap/static/<path:filename>": lambda _: {"filename": "css/bootstrap.min.css"},
    f"{_PLATFORM}/other-account/<int:attempt_id>/keep": lambda things: {
        "attempt_id": things.second_attempt_id
    },
}


def expected() -> dict[tuple[str, str], dict[str, str]]:
    """The table: ``(method, rule)`` to the answer for each actor, in the order written."""
    answers = {}
    for line in TABLE.splitlines():
        if not line or line.startswith("#"):
            continue
        method, rule, *cells = line.split()
        for short, long in _SHORT.items():
            rule = rule.replace(short, long)
        assert len(cells) == len(ACTORS), line
        answers[method, rule] = dict(zip(ACTORS, cells, strict=True))
    return answers
