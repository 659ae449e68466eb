"""Counts of a service."""

from signtalk.service.metrics import ServiceMetrics


def test_two_services_count_apart() -> None:
    one, other = ServiceMetrics(), ServiceMetrics()
    one.answers.labels("stream", "answer").inc()
    one.seconds.labels("/v1/recognize").observe(0.07)
    assert 'signtalk_answers_total{outcome="answer",source="stream"} 1.0' in one.page().decode()
    assert 'signtalk_request_seconds_bucket{le="0.1",route="/v1/recognize"} 1.0' in one.page().decode()
    assert 'outcome="answer"' not in other.page().decode()
