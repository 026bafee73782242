"""Keys of credentials that are changed while others change them, or connect a source, and broken off in the middle."""

import threading
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection

from apps.core import secrets
from apps.core.errors import UserError
from apps.core.secrets import unseal
from apps.sources import connecting, runs
from apps.sources.models import Source
from tests.aws import Bucket
from tests.sources.conftest import SECRETS, connect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_lose_no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    source = connect()
    forget, reseal, forgotten = secrets.forget_old_keys, secrets.reseal, threading.Event()
    failed: list[Exception] = []

    def rotate_too() -> None:
        try:
            connecting.rotate_secrets()
        except UserError as error:
            failed.append(error)
        connection.close()

    other = threading.Thread(target=rotate_too)

    def forget_while_another_rotates() -> None:
        if threading.current_thread() is not other:
            other.start()
            other.join(0.5)
        forget()
        forgotten.set()

    def reseal_late(sealed: bytes) -> bytes:
        if threading.current_thread() is other:
            forgotten.wait(5)
        return reseal(sealed)

    monkeypatch.setattr(connecting, "forget_old_keys", forget_while_another_rotates)
    monkeypatch.setattr(connecting, "reseal", reseal_late)
    connecting.rotate_secrets()
    other.join()

    assert failed == []
    assert unseal(Source.objects.get(pk=source.pk).secrets) == SECRETS


@pytest.mark.django_db(transaction=True)
def test_a_source_that_is_connected_while_keys_are_changed_keeps_its_credentials(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("first")
    queue_look, sealed, rotated = runs.queue_look, threading.Event(), threading.Event()

    def queue_slowly(*arguments: Any, **words: Any) -> Any:
        sealed.set()
        rotated.wait(0.5)
        return queue_look(*arguments, **words)

    def connect_too() -> None:
        connect("second")
        connection.close()

    monkeypatch.setattr(runs, "queue_look", queue_slowly)
    other = threading.Thread(target=connect_too)
    other.start()
    sealed.wait(5)
    count = connecting.rotate_secrets()
    rotated.set()
    other.join()

    assert [unseal(one.secrets) for one in Source.objects.all()] == [SECRETS, SECRETS]
    assert count == 2


def test_rotating_again_after_it_was_broken_off_leaves_one_key(
    bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = connect()
    for broken_off in ("record", "forget_old_keys"):  # before and after the credentials are sealed anew
        with monkeypatch.context() as patched:
            patched.setattr(connecting, broken_off, Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                connecting.rotate_secrets()
        assert unseal(Source.objects.get(pk=source.pk).secrets) == SECRETS

    connecting.rotate_secrets()

    assert unseal(Source.objects.get(pk=source.pk).secrets) == SECRETS
    assert len(settings.SECRETS_KEY_FILE.read_text().split()) == 1
