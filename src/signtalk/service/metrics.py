"""Counts and times of a service, for Prometheus; no landmark, sentence or address among them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ServiceMetrics:
    """One service's own registry.

    Attributes:
        requests: by method, route and status.
        seconds: a request took, by route.
        answers: by outcome and source (request or stream).
        streams: sockets that are open.
        frames: taken from streams.
        waiting: questions that wait.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "signtalk_requests", "Requests.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "signtalk_request_seconds", "Seconds a request took.", ("route",), buckets=_BUCKETS, registry=self._registry
        )
        self.answers = Counter("signtalk_answers", "Answers.", ("source", "outcome"), registry=self._registry)
        self.streams = Gauge("signtalk_streams", "Open streams.", registry=self._registry)
        self.frames = Counter("signtalk_frames", "Frames of streams.", registry=self._registry)
        self.waiting = Gauge("signtalk_waiting", "Questions that wait.", registry=self._registry)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
