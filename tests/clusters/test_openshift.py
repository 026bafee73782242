"""OpenShift's usage reports through the command line: pod usage divides bills, the others are refused by name."""

import csv
import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Sum

from apps.clusters.models import NodeDay, PodDay
from apps.sources.models import Delivery
from tests.ledger import charge, load_charges
from tests.shared import BILLING, expected_totals
from tests.sources.conftest import Import, import_bills

__all__ = ["import_bills"]
REPORTS = BILLING / "nise/ocp"
PODS = REPORTS / "May-2026-cluster-20260701-ocp_pod_usage.csv.gz"
MAY_1 = date(2026, 5, 1)


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def test_pods_and_nodes_of_a_report_are_what_its_rows_add_up_to(import_bills: Import) -> None:
    (line,) = import_bills(PODS)

    assert (line["status"], line["format"]) == ("loaded", "OpenShift pod usage")
    rows = rows_of(PODS)
    known = expected_totals()["nise/ocp/May-2026-cluster-20260701-ocp_pod_usage.csv.gz"]
    assert (line["rows_read"], line["rows_rejected"]) == (known["rows"], 0) == (len(rows), 0)
    assert line["rows_loaded"] == PodDay.objects.count() + NodeDay.objects.count() == 492 + 4
    larger = sum(
        max(Decimal(row["pod_usage_cpu_core_seconds"]), Decimal(row["pod_request_cpu_core_seconds"])) for row in rows
    )
    kept = PodDay.objects.aggregate(cpu=Sum("cpu_core_hours"), hours=Sum("hours"))
    assert abs(kept["cpu"] - larger / 3600) < Decimal("1e-6")
    assert kept["hours"] == len(rows), "an hour a row"
    node = NodeDay.objects.get(node="node_evidence")
    assert (node.cluster, node.resource_id, node.day) == ("cluster-20260701", "i-c97fed469acb4f7c8", MAY_1)
    assert (node.hours, node.cpu_core_hours, node.memory_gib_hours) == (24, 15 * 24, 6 * 24)


def test_labels_come_without_their_prefix(import_bills: Import) -> None:
    import_bills(PODS)

    pod = PodDay.objects.get(pod__pod="amount_build").pod

    assert pod.labels == {"app": "any", "feeling": "more", "stage": "today"}
    assert (pod.namespace, pod.workload_kind, pod.workload) == ("order_dev", "Pod", "amount_build")


def test_the_same_day_told_again_replaces_itself(import_bills: Import, tmp_path: Path) -> None:
    import_bills(PODS)
    again = part(tmp_path, lambda row: row["node"] == "node_evidence")

    import_bills(again)

    assert NodeDay.objects.get().node == "node_evidence"


def part(folder: Path, wanted: Callable[[dict[str, str]], bool], *, name: str = PODS.name, **changes: str) -> Path:
    """Some rows of the report under a name, with other values in columns."""
    rows = [row | changes for row in rows_of(PODS) if wanted(row)]
    with gzip.open(folder / name, "wt", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def test_rows_that_cannot_be_read_are_rejected_with_the_reason(import_bills: Import, tmp_path: Path) -> None:
    path = part(tmp_path, lambda row: row["pod"] == "amount_build", pod_usage_cpu_core_seconds="many")

    (line,) = import_bills(path, exit_code=1)

    assert (line["status"], line["rows_rejected"]) == ("rejected", line["rows_read"])
    (first, *_) = Delivery.objects.get().rejected.all()
    assert (first.column, first.reason) == ("pod_usage_cpu_core_seconds", "is not a number: 'many'")


def test_a_report_whose_name_does_not_say_the_cluster_is_refused(import_bills: Import, tmp_path: Path) -> None:
    path = part(tmp_path, lambda row: row["pod"] == "amount_build", name="usage.csv.gz")

    (line,) = import_bills(path, exit_code=1)

    assert "does not say of which cluster it is" in line["error"]


@pytest.mark.parametrize(
    ("report", "called"),
    [
        ("gpu_usage", "GPU usage"),
        ("storage_usage", "usage of storage"),
        ("vm_usage", "usage of virtual machines"),
        ("node_label", "labels of nodes"),
    ],
)
def test_reports_that_divide_no_bill_are_refused_by_name(import_bills: Import, report: str, called: str) -> None:
    (line,) = import_bills(REPORTS / f"May-2026-cluster-20260701-ocp_{report}.csv.gz", exit_code=1)

    assert f"is OpenShift's {called}: a node's bill is divided by its pod usage" in line["error"]


def test_the_bill_of_a_node_is_divided_among_its_pods(import_bills: Import) -> None:
    """Pods of this sample ask for more than its nodes have: nothing is idle, and all adds up all the same."""
    from apps.core.periods import Period
    from tests.clusters.test_division import ask

    import_bills(PODS)
    load_charges([charge(MAY_1, "7.77", resource_id="i-c97fed469acb4f7c8")])

    found = ask("node", "pod", period=Period(MAY_1, MAY_1))

    assert sum(found.values()) == Decimal("7.77")
    assert {keys[0] for keys in found} == {"node_evidence"}
    pods = {row["pod"] for row in rows_of(PODS) if row["node"] == "node_evidence"}
    assert len(found) == len(pods) + 1
