"""Figures for Prometheus, counted when they are asked for: right with any number of processes."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, request
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from app.api.bodies import Blueprint
from app.api.security import NONE, admit, calls_from_this_machine, requires
from app.services import figures
from app.services.figures import Figures

blp = Blueprint("metrics", __name__, description="Figures of operation.")


class StudioCollector(Collector):
    """The figures of all processes in the forms of Prometheus."""

    def __init__(self, found: Figures) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        """Each family of figures."""
        found = self.found
        yield self._runs()
        yield self._finished()
        pending = sum(n for (_, status), n in found.open_runs.items() if status == "pending")
        yield GaugeMetricFamily(
            "flowmason_queue_depth",
            f"Runs that wait for a worker, {figures.COUNTED_PENDING} at most.",
            pending,
        )
        yield GaugeMetricFamily(
            "flowmason_queue_oldest_seconds",
            "Age of the oldest run that waits for a worker; 0 when none does.",
            found.oldest_pending_seconds,
        )
        yield self._stages()
        yield SummaryMetricFamily(
            "flowmason_event_lag_seconds",
            "How long the oldest event of each write had waited to be written.",
            count_value=found.flushes,
            sum_value=found.flush_lag_ms / 1000,
        )
        yield CounterMetricFamily(
            "flowmason_leases_lost", "Runs a worker found in other hands.", found.leases_lost
        )
        yield CounterMetricFamily(
            "flowmason_recoveries", "Runs taken from a lost worker.", found.recoveries
        )

    def _runs(self) -> Metric:
        runs = GaugeMetricFamily(
            "flowmason_runs",
            "Runs that are not final, by the class of their organisation: local or team."
            f" At most {figures.COUNTED_PENDING} pending ones are counted, and"
            f" {figures.COUNTED_EACH} of each other status in an organisation.",
            labels=("status", "class"),
        )
        for (kind, status), n in sorted(self.found.open_runs.items()):
            runs.add_metric((status, kind), n)
        return runs

    def _finished(self) -> Metric:
        runs = CounterMetricFamily(
            "flowmason_runs_finished", "Runs that became final.", labels=("status",)
        )
        for status, n in self.found.finished_runs.items():
            runs.add_metric((status,), n)
        return runs

    def _stages(self) -> Metric:
        stages = HistogramMetricFamily(
            "flowmason_stage_duration_seconds", "Time of stages.", labels=("component_type",)
        )
        for type, took in self.found.stages.items():
            ends = [(str(end / 1000), n) for end, n in took.buckets.items()]
            stages.add_metric((type,), [*ends, ("+Inf", took.count)], took.sum_ms / 1000)
        return stages


@blp.route("/metrics")
class MetricsView(MethodView):
    """The figures of this installation, of all organisations together."""

    @requires(NONE)
    @blp.response(200, {"type": "string"}, content_type="text/plain")
    def get(self) -> Response:
        """Figures in the text form of Prometheus; from another machine with the scope admin."""
        if not calls_from_this_machine(request):
            admit("admin")
        registry = CollectorRegistry()
        registry.register(StudioCollector(figures.collect()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
