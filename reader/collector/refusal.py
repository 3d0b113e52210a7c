"""A request that is not answered with what it asks for, but with what is wrong and what to do next."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse

BUSY_S = 30
"""What a machine is asked to wait."""


class Refusal(Exception):
    """Answered with `status`, and JSON that says what is wrong and what to do next."""

    def __init__(self, status: int, message: str, next_step: str, retry_s: int = 0) -> None:
        # All of them, so that it comes whole out of another process.
        super().__init__(status, message, next_step, retry_s)
        self.status, self.message, self.next_step, self.retry_s = status, message, next_step, retry_s

    def __str__(self) -> str:
        """What is wrong."""
        return self.message

    def answer(self) -> JSONResponse:
        """The response."""
        value = {"error": HTTPStatus(self.status).phrase, "message": self.message, "next": self.next_step}
        headers = {"Retry-After": str(self.retry_s)} if self.retry_s else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(value, self.status, headers)
