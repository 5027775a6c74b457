"""What an operator's monitoring asks for: can this Space answer, and with what."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from koclip import __version__
from koclip.errors import KoCLIPError
from koclip.settings import MINI
from koclip.ui.api import API_VERSION
from koclip.ui.gate import Gate
from koclip.ui.models import ModelPool


def health_route(pool: ModelPool, gate: Gate) -> Route:
    """GET /health: JSON without any content of visitors; 200 if a call would be answered, else 503.

    {"status", "version", "api", "models": {name: {"state", "revision"?, "compiling"?, "reason"?}},
    "databases": {name: {"state", "model", "revision"?, "images"?, "reason"?}}, "queue"}
    """

    async def health(request: Request) -> JSONResponse:
        status = _status(pool, gate)
        answer = {
            "status": status,
            "version": __version__,
            "api": API_VERSION,
            "models": {name: _model(pool, name) for name in pool.names},
            "databases": pool.databases.states(),
            "queue": {"running": gate.running, "waiting": gate.waiting, "limit": gate.limit},
        }
        return JSONResponse(answer, 200 if status == "ok" else 503)

    return Route("/health", health)


def _status(pool: ModelPool, gate: Gate) -> str:
    if gate.is_stopping:
        return "stopping"
    status = pool.status(MINI)
    if status is not None and pool.revision(MINI) is None:  # without it nothing is answered
        return "starting" if isinstance(status, str) else "failed"
    return "busy" if gate.waiting >= gate.limit else "ok"


def _model(pool: ModelPool, name: str) -> dict[str, str | bool]:
    status = pool.status(name)
    if pool.is_open(name):
        compiling = isinstance(status, str)
        return {"state": "open", "revision": pool.revision(name), "compiling": compiling}
    if isinstance(status, KoCLIPError):
        return {"state": "failed", "reason": status.code}
    return {"state": "closed" if status is None else "opening"}
