"""Uploads: what is kept, what is refused, and what a repeated or late task does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from apps.accounts.models import Role, User
from apps.costs.models import Statement
from apps.sources import services
from apps.sources.models import Delivery
from collectors.errors import RefusedFileError
from tests.sources.conftest import Bill
from tests.sources.totals import stored

Upload = Callable[..., list[services.Received]]


@pytest.fixture
def upload(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upload]:
    """Takes files as an upload of a finance person; their loading waits until the test asks for it."""
    person = User.objects.create_user("finance", role=Role.FINANCE)
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    monkeypatch.setattr(current_app.tasks[services.LOAD_UPLOAD], "delay", lambda _: None)

    def take(*files: Path | tuple[str, bytes]) -> list[services.Received]:
        named = [(file.name, file.read_bytes()) if isinstance(file, Path) else file for file in files]
        return services.start_upload(
            [SimpleUploadedFile(name, content) for name, content in named], source="files", actor=person
        )

    with override_settings(FINOPS_HOME=home):
        yield take


def load(received: services.Received) -> Delivery:
    """What the worker does; the entry afterwards."""
    services.load_upload(received.delivery.pk)
    return Delivery.objects.get(pk=received.delivery.pk)


def manifest(*keys: str) -> tuple[str, bytes]:
    """A legacy AWS manifest that lists the keys."""
    return "cur-Manifest.json", json.dumps({"reportKeys": keys}).encode()


def test_an_upload_is_loaded_once_however_often_the_task_comes(upload: Upload, bill: Bill) -> None:
    (received,) = upload(bill("june.csv", [{"BilledCost": "3"}]))

    assert load(received).status == "loaded"
    assert load(received).status == "loaded"
    assert stored() == 3
    assert Statement.objects.count() == 1


def test_a_manifest_cannot_reach_what_was_not_uploaded_with_it(upload: Upload, tmp_path: Path) -> None:
    victim = tmp_path / "victim" / "secret.csv"
    victim.parent.mkdir()
    victim.write_text("secret")

    with pytest.raises(RefusedFileError) as refused:
        upload(manifest(str(victim).lstrip("/")))

    assert victim.read_text() == "secret"
    assert str(tmp_path / "home") not in str(refused.value)
    assert not Delivery.objects.exists()


def test_a_manifest_uploaded_with_its_files_is_one_bill_of_all_of_them(upload: Upload, bill: Bill) -> None:
    first, second = bill("p1.csv", [{"BilledCost": "40"}]), bill("p2.csv", [{"BilledCost": "2", "ServiceName": "b"}])

    (received,) = upload(manifest("b/p1.csv", "b/p2.csv"), first, second)

    assert load(received).rows_loaded == 2
    assert stored() == 42


def test_chunks_uploaded_together_are_one_bill(upload: Upload, bill: Bill) -> None:
    first = bill("x-00001.csv", [{"BilledCost": "1"}])
    second = bill("x-00002.csv", [{"BilledCost": "2", "ServiceName": "b"}])

    (received,) = upload(first, second)

    assert load(received).rows_loaded == 2
    assert stored() == 3


def test_of_an_upload_with_one_file_that_is_no_bill_nothing_is_kept(upload: Upload, bill: Bill, tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match=r"notes\.txt"):
        upload(bill("june.csv", [{}]), ("notes.txt", b"hello"))

    assert not Delivery.objects.exists()
    assert list((tmp_path / "home" / "uploads").iterdir()) == []


def test_two_files_of_one_name_are_refused_in_a_sentence(upload: Upload) -> None:
    with pytest.raises(RefusedFileError, match=r"called a\.csv"):
        upload(("a.csv", b"x"), ("a.csv", b"y"))


def test_a_bill_that_waits_already_is_not_queued_again(upload: Upload, bill: Bill) -> None:
    old, new = bill("old.csv", [{"BilledCost": "1"}]), bill("new.csv", [{"BilledCost": "2"}])
    (first,), (second,), (again,) = upload(old), upload(new), upload(old)

    assert again.unchanged
    assert again.delivery.pk == first.delivery.pk
    load(first)
    load(second)
    assert stored() == 2


def test_an_older_upload_that_is_loaded_late_does_not_bring_old_numbers_back(upload: Upload, bill: Bill) -> None:
    (old,) = upload(bill("old.csv", [{"BilledCost": "1"}]))
    (new,) = upload(bill("new.csv", [{"BilledCost": "2"}]))
    load(new)

    late = load(old)

    assert late.status == "rejected"
    assert "came later" in late.error
    assert stored() == 2


def test_an_upload_whose_files_are_gone_is_closed_with_what_to_do(upload: Upload, bill: Bill, tmp_path: Path) -> None:
    (received,) = upload(bill("june.csv", [{}]))
    for file in (tmp_path / "home" / "uploads" / str(received.delivery.pk)).iterdir():
        file.unlink()

    entry = load(received)

    assert entry.status == "failed"
    assert "upload it again" in entry.error


def test_very_long_names_are_kept_by_their_end(upload: Upload, bill: Bill) -> None:
    content = bill("june.csv", [{"BilledCost": "1"}]).read_bytes()

    (received,) = upload(("é" * 120 + ".csv", content))

    assert load(received).status == "loaded"
