"""Families of ``/metrics`` from their samples."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Sample = tuple[tuple[object, ...], float]
"""Values of the labels, and the number."""


def build_gauge(
    name: str, text: str, labels: tuple[str, ...], samples: Iterable[Sample]
) -> GaugeMetricFamily:
    """Return a gauge ``oms_<name>``."""
    family = GaugeMetricFamily(f"oms_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric([str(value) for value in values], number)
    return family


def build_counter(
    name: str, text: str, labels: tuple[str, ...], samples: Iterable[Sample]
) -> CounterMetricFamily:
    """Return a counter ``oms_<name>``."""
    family = CounterMetricFamily(f"oms_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric([str(value) for value in values], number)
    return family
