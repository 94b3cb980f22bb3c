"""What went wrong, for programs: `application/problem+json` (RFC 9457). Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from agent.ledger.overview import Unknown
from agent.reminders.letter_values import LetterError
from agent.review.deeds import NoSuch
from agent.review.queue import Taken
from agent.review.rights import NotAllowed
from classifier.errors import UnknownModel
from config.errors import RelanceError, TemporaryFailure

MEDIA_TYPE = "application/problem+json"
TITLES: Mapping[int, str] = {
    400: "The request can't be read.",
    401: "A valid token is needed.",
    403: "The token's role does not allow this.",
    404: "There is no such thing.",
    405: "This address knows other methods.",
    409: "It can't be done as things stand.",
    413: "The request is too large.",
    421: "This is not the address of these pages.",
    422: "A value is missing or wrong.",
    429: "Too many requests.",
    500: "A mistake in relance.",
    503: "Not now: the same request succeeds later.",
}


class Problem(Exception):
    """One refusal. ``errors``: where in the request, as ``{"at": "body.until", "detail": "…"}``; ``by``: who was there
    before.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        by: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers, self.by = status, detail, errors, headers or {}, by

    def response(self) -> Response:
        body: dict[str, Any] = {
            "type": f"urn:relance:problem:{self.status}",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail or TITLES[self.status],
        }
        if self.errors:
            body["errors"] = [dict(one) for one in self.errors]
        if self.by is not None:
            body["by"] = self.by
        return Response(json.dumps(body, ensure_ascii=False), self.status, dict(self.headers), MEDIA_TYPE)


def of_error(error: RelanceError) -> Problem:
    """An expected failure as a program is told of it."""
    match error:
        case NotAllowed():
            return Problem(403, str(error))
        case NoSuch() | Unknown() | UnknownModel():
            return Problem(404, str(error))
        case Taken():
            return Problem(409, str(error), by=error.by)
        case LetterError():
            return Problem(422, str(error), errors=[{"at": "body.text", "detail": str(error)}])
        case TemporaryFailure():
            return Problem(503, str(error), headers={"Retry-After": "5"})
    return Problem(409, str(error))
