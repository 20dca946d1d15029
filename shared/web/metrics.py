"""What is counted about requests, by route template and never by address: a path may hold a secret, a template does not."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ..errors import Missing
from .context import SETTINGS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one application; ``registry`` takes a service's own as well."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        labels = ("service", "method", "route")
        self._service = service
        self._requests = Counter("muniment_requests", "Requests answered.", (*labels, "status"), registry=self.registry)
        self._seconds = Histogram("muniment_request_seconds", "Time to answer.", labels, buckets=_SECONDS, registry=self.registry)
        running = Gauge("muniment_requests_running", "Requests being answered now.", ("service",), registry=self.registry)
        self._running = running.labels(service)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def begin(self) -> None:
        """A request has arrived."""
        self._running.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered with ``status`` after ``seconds``."""
        self._running.dec()
        requests, histogram = self._known.get((method, route, status)) or self._learn(method, route, status)
        requests.inc()
        histogram.observe(seconds)

    def _learn(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Looking up labels costs more than counting; there are few methods, routes and statuses."""
        known = method if method in _METHODS else "other"
        pair = self._requests.labels(self._service, known, route, str(status)), self._seconds.labels(self._service, known, route)
        if known == method:
            self._known[method, route, status] = pair
        return pair


METRICS: web.AppKey[Metrics] = web.AppKey("METRICS", Metrics)


async def show(request: web.Request) -> web.Response:
    """``GET /metrics``: on the main port to this machine itself only, never through a proxy."""
    own_port = request.config_dict[SETTINGS].metrics_port
    if not own_port and (request.remote not in {"127.0.0.1", "::1"} or "X-Forwarded-For" in request.headers):
        raise Missing("there is nothing at this address")
    body = generate_latest(request.config_dict[METRICS].registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


def route_of(request: web.Request) -> str:
    """The template of the route, e.g. ``/api/credentials/{id}``; ``unknown`` where nothing matched."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
