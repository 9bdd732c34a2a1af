"""``/metrics``: Prometheus' text format. Requests are counted here; what was taken in is read from the database.

Requests and latencies are this process's own. Everything about files and records is counted from committed rows, so
that it is the same from every process and after every restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from api.auth.bearer import Bearer
from domain.access.actor import Action, allow
from domain.ports.standing import Figures, Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
# A request that came through a proxy on this machine is not one from this machine.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Requests:
    """Counts of this process's requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._total = Counter(
            "tollwright_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "tollwright_request_seconds", "Time to answer a request.", ["route"], registry=self.registry
        )

    def count_sockets(self, count: Callable[[], int]) -> None:
        """Show how many WebSockets are open."""
        gauge = Gauge("tollwright_sockets", "WebSockets open.", registry=self.registry)
        gauge.set_function(lambda: float(count()))

    def seen(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = method if method in {"GET", "HEAD", "POST", "PUT"} else "other"
        self._total.labels(known, route, status).inc()
        self._seconds.labels(route).observe(seconds)


class Datagrams(Collector):
    """What became of the RADIUS datagrams of this process; nothing where it takes none."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the counts."""
        datagrams = CounterMetricFamily(
            "tollwright_radius_datagrams", "RADIUS datagrams, by what became of them.", labels=["outcome"]
        )
        for outcome, count in sorted(self._counts().items()):
            datagrams.add_metric([outcome], count)
        yield datagrams


class _Taken(Collector):
    """The database's figures as metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        rated = CounterMetricFamily("tollwright_rated_events", "Events rated.", labels=["operator", "source"])
        balance = GaugeMetricFamily(
            "tollwright_balance_records", "Where the records went.", labels=["operator", "source", "outcome"]
        )
        holds = GaugeMetricFamily(
            "tollwright_balance_holds",
            "1 where every record ended in one place and suspense holds what it should.",
            labels=["operator", "source"],
        )
        unbalanced = GaugeMetricFamily(
            "tollwright_files_unbalanced", "Files whose own balance does not hold.", labels=["operator", "source"]
        )
        for one in self._figures.balances:
            unbalanced.add_metric([one.operator, one.source], one.unbalanced)
            holds.add_metric([one.operator, one.source], float(one.holds()))
            for outcome, count in one.counts:
                balance.add_metric([one.operator, one.source, outcome], count)
            rated.add_metric([one.operator, one.source], dict(one.counts)["rated"])
        imports = CounterMetricFamily(
            "tollwright_imports", "CDR files taken in.", labels=["operator", "source", "state"]
        )
        for operator, source, state, count in self._figures.files:
            imports.add_metric([operator, source, state], count)
        suspense = GaugeMetricFamily(
            "tollwright_suspense_records", "Records that are not rated.", labels=["operator", "reason"]
        )
        for operator, reason, count in self._figures.suspense:
            suspense.add_metric([operator, reason], count)
        alarms = GaugeMetricFamily(
            "tollwright_alarms", "Alarms that are not closed.", labels=["operator", "kind", "severity", "state"]
        )
        for *labels, count in self._figures.alarms:
            alarms.add_metric(labels, count)
        jobs = GaugeMetricFamily(
            "tollwright_jobs", "Jobs of the queue that are not done.", labels=["operator", "kind", "state"]
        )
        for *labels, count in self._figures.jobs:
            jobs.add_metric(labels, count)
        yield from (rated, balance, holds, unbalanced, imports, suspense, alarms, jobs)
        yield from self._feeds()

    def _feeds(self) -> Iterator[Metric]:
        labels = ["operator", "feed"]
        success = GaugeMetricFamily(
            "tollwright_feed_success_timestamp_seconds", "Last run that went well.", labels=labels
        )
        file = GaugeMetricFamily("tollwright_feed_file_timestamp_seconds", "Last file taken.", labels=labels)
        failures = GaugeMetricFamily("tollwright_feed_failures", "Runs in a row that failed.", labels=labels)
        open_files = GaugeMetricFamily("tollwright_feed_files_open", "Files seen and not yet put away.", labels=labels)
        lag = GaugeMetricFamily("tollwright_feed_lag_seconds", "By how much the next run is late.", labels=labels)
        for operator, feed, *values in self._figures.feeds:
            for family, value in zip((success, file, failures, open_files, lag), values, strict=True):
                if value is not None:
                    family.add_metric([operator, feed], float(value))
        yield from (success, file, failures, open_files, lag)


class MetricsPage:
    """Answers ``GET /metrics``: to this machine everything, to a token with ``metrics:read`` its operator's figures."""

    def __init__(self, requests: Requests, standing: Standing, bearer: Bearer) -> None:
        self._requests = requests
        self._standing = standing
        self._bearer = bearer

    async def __call__(self, request: Request) -> Response:
        """Answer one scrape."""
        local = request.client is not None and request.client.host in LOOPBACK
        if local and not any(name in request.headers for name in (*FORWARDED, "authorization")):
            operator = None
        else:
            actor = await self._bearer.actor(request.headers.get("authorization", ""))
            allow(actor, Action.READ_METRICS)
            operator = actor.operator
        taken = CollectorRegistry()
        taken.register(_Taken(await self._standing.figures(operator)))
        text = generate_latest(taken)
        if operator is None:
            text = generate_latest(self._requests.registry) + text
        return Response(text, media_type=CONTENT_TYPE)
