"""/healthz, /readyz and /metrics."""

import pytest
from django.test import Client


def test_healthz_needs_neither_database_nor_login(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_readyz_is_ready_with_database_migrations_and_broker(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}})


@pytest.mark.django_db
def test_readyz_says_that_the_broker_does_not_answer(client: Client, settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert list(answer.json()["reasons"]) == ["broker"]
    assert answer.json()["reasons"]["broker"].startswith("The broker does not answer: ")


@pytest.mark.django_db
def test_readyz_says_which_migrations_wait(client: Client) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="costs").delete()

    reasons = client.get("/readyz").json()["reasons"]

    assert "costs.0001" in reasons["migrations"]


def test_metrics_count_requests_by_view_and_status_and_never_by_what_a_stranger_sends(client: Client) -> None:
    client.get("/healthz")
    client.generic("BREW", "/no-such-page-31337")

    text = client.get("/metrics").content.decode()

    assert 'finops_http_requests_total{method="GET",status="200",view="healthz"}' in text
    assert 'finops_http_request_seconds_bucket{le="0.1",method="GET",view="healthz"}' in text
    assert "31337" not in text
    assert "BREW" not in text
