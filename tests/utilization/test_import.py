"""Files of utilisation as people import them: from a file to what pages show, and again."""

from pathlib import Path

from apps.accounts.scope import Scope
from apps.sources.models import RejectedRow
from apps.utilization.models import HourFact
from apps.utilization.queries import Gpus, fleet
from collectors.records import write_frame, write_records
from collectors.tenancy import TENANCY
from collectors.utilization import UTILIZATION
from tests.sources.conftest import Import, import_bills
from tests.utilization.conftest import CARD, frame, held, hour
from tests.utilization.test_queries import JUNE

__all__ = ["import_bills"]


def test_a_csv_of_hours_and_one_of_tenants_become_a_fleet(import_bills: Import, tmp_path: Path) -> None:
    rows = [hour(), hour(1, average=7.0), hour(2, average=0.25)]
    (told,) = import_bills(write_records(UTILIZATION, rows, tmp_path), "--source", "prom", exit_code=1)
    (also,) = import_bills(write_records(TENANCY, [held(), held(2)], tmp_path), "--source", "prom")

    assert (told["format"], told["rows_loaded"], told["rows_rejected"], told["status"]) == (
        "Utilisation",
        2,
        1,
        "loaded",
    )
    assert (also["format"], also["rows_loaded"], also["status"]) == ("GPU tenancy", 2, "loaded")
    assert RejectedRow.objects.get().reason == "is a ratio and above 1"
    (gpu,) = fleet(JUNE, Gpus(), scope=Scope.everything())
    assert (gpu.device.device, gpu.gpu, gpu.hours, gpu.allocated_hours) == (CARD, 0.375, 2, 2)


def test_a_parquet_file_that_was_imported_is_unchanged_and_a_newer_one_replaces_its_hours(
    import_bills: Import, tmp_path: Path
) -> None:
    first = write_frame(UTILIZATION, frame(UTILIZATION, [hour(), hour(1)]), tmp_path)
    assert import_bills(first, "--source", "prom")[0]["status"] == "loaded"
    assert import_bills(first, "--source", "prom")[0]["status"] == "unchanged"

    second = write_frame(UTILIZATION, frame(UTILIZATION, [hour(1, average=0.25), hour(2)]), tmp_path)
    assert import_bills(second, "--source", "prom")[0]["status"] == "loaded"
    assert list(HourFact.objects.order_by("hour").values_list("average", flat=True)) == [0.5, 0.25, 0.5]


def test_a_header_with_an_odd_column_is_refused_by_name(import_bills: Import, tmp_path: Path) -> None:
    path = write_records(UTILIZATION, [hour()], tmp_path)
    path.write_text(path.read_text().replace("device_model", "model"))
    (told,) = import_bills(path, "--source", "prom", exit_code=1)
    assert "Utilisation have no column 'model'" in told["error"]
