"""The runner's figures in Prometheus' text format, collected at the moment somebody asks."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from runner.domain.overview import Overview, nodes

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is known at one moment."""

    overview: Overview
    loop_lag: float
    """Seconds that the event loop was late lately, at worst."""
    commit_delay: float
    """Seconds from an event to its commit, at worst lately."""
    client_lag: int
    """Events that the slowest browser has yet to handle."""
    queued_bytes: int
    """Waiting for browsers, for all together..."""
    longest_bytes: int
    """...and for the one that is furthest behind."""
    worst_eviction: float
    """Seconds that the oldest event was late for which a browser was dropped lately."""
    database_bytes: int
    memory_bytes: int


def text(sample: Sample) -> bytes:
    """All figures."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sample))
    return generate_latest(registry)


class _Collector:
    """The shape that the library asks for."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def collect(self) -> Iterator[Metric]:
        sample, overview = self._sample, self._sample.overview
        state = GaugeMetricFamily("sprint_runner_state", "1 for the state the runner is in", labels=["state"])
        state.add_metric([overview.status], 1)
        yield state
        for name, words, value in (
            ("batch", "The batch that runs; 0 for none", overview.batch_id or 0),
            ("cycles_completed", "Cycles of it that are done", overview.cycles_completed),
            ("commands_running", "Commands that run now", len(overview.current)),
            ("background_running", "Background chains that are not over", len(overview.background)),
            ("last_seq", "The newest event", overview.last_seq),
            ("loop_lag_seconds", "How late the event loop was lately, at worst", sample.loop_lag),
            ("commit_delay_seconds", "From an event to its commit lately, at worst", sample.commit_delay),
            ("client_lag_events", "Events that the slowest browser has yet to handle", sample.client_lag),
            ("outbox_bytes", "Waiting for browsers", sample.queued_bytes),
            ("longest_outbox_bytes", "Waiting for the browser that is furthest behind", sample.longest_bytes),
            ("eviction_age_seconds", "Age of the oldest event a browser was dropped over", sample.worst_eviction),
            ("database_bytes", "Size of the database", sample.database_bytes),
            ("memory_bytes", "Memory that the runner takes", sample.memory_bytes),
        ):
            yield GaugeMetricFamily(f"sprint_runner_{name}", words, value=value)
        yield from _delivery(overview)
        yield from _tree(overview)


def _delivery(overview: Overview) -> Iterator[Metric]:
    if (view := overview.fanout) is None:
        return
    yield GaugeMetricFamily("sprint_runner_clients", "Browsers that watch", value=view.clients)
    yield CounterMetricFamily("sprint_runner_delivered", "Events handed over, for each browser", value=view.delivered)
    yield CounterMetricFamily("sprint_runner_evicted", "Browsers that were too slow", value=view.evicted)
    latency = GaugeMetricFamily("sprint_runner_delivery_ms", "Age of events when delivered", labels=["quantile"])
    for quantile, value in (("0.5", view.latency_ms.p50), ("0.99", view.latency_ms.p99), ("1", view.latency_ms.max)):
        latency.add_metric([quantile], value)
    yield latency


def _tree(overview: Overview) -> Iterator[Metric]:
    depth = GaugeMetricFamily("sprint_runner_mailbox_depth", "Messages that wait for an actor", labels=["actor"])
    restarts = CounterMetricFamily("sprint_runner_restarts", "Restarts of a part that lives", labels=["part"])
    seen: set[str] = set()
    for node in nodes(overview.supervision) if overview.supervision else ():
        # A name twice would make the whole answer invalid.
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.mailbox is not None:
            depth.add_metric([node.id], node.mailbox.depth)
        if node.restarts:
            restarts.add_metric([node.id], node.restarts)
    yield from (depth, restarts)
