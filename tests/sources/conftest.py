"""Bills for tests: small FOCUS files, the command line that imports them, and connections that collect them."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.utils import timezone

from apps.sources import collecting, connecting, runs
from apps.sources.commands import import_
from apps.sources.models import Run, Source
from collectors import patience
from collectors.aws.clients import Aws
from tests.aws import BUCKET, PREFIX, Bucket, aws, aws_for_all, bucket
from tests.sources.cost_apis import cost_server

__all__ = ["aws", "aws_for_all", "bucket", "cost_server"]
Import = Callable[..., list[dict[str, Any]]]
Bill = Callable[..., Path]

CHARGE = {
    "ProviderName": "AWS",
    "PublisherName": "AWS",
    "InvoiceIssuerName": "Amazon Web Services, Inc.",
    "BillingAccountId": "111",
    "BillingAccountName": "Northwind",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-06-01T00:00:00Z",
    "BillingPeriodEnd": "2026-07-01T00:00:00Z",
    "ChargePeriodStart": "2026-06-03T00:00:00Z",
    "ChargePeriodEnd": "2026-06-03T01:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "Compute",
    "ChargeFrequency": "Usage-Based",
    "BilledCost": "1.5",
    "EffectiveCost": "1.5",
    "ListCost": "2",
    "ContractedCost": "1.5",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ServiceName": "Amazon EC2",
    "ServiceCategory": "Compute",
    "SubAccountId": "222",
    "SubAccountName": "ml",
    "Tags": '{"team": "ml-platform"}',
}


@pytest.fixture
def bill(tmp_path: Path) -> Bill:
    """Writes a FOCUS 1.0 csv: each row is CHARGE with the given columns changed."""

    def write(name: str, rows: Iterable[dict[str, str]]) -> Path:
        path = tmp_path / name
        charges = [{**CHARGE, **row} for row in rows]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, {name: None for charge in [CHARGE, *charges] for name in charge})
            writer.writeheader()
            writer.writerows(charges)
        return path

    return write


@pytest.fixture
def import_bills(db: None) -> Import:
    """Runs `finops import --json` and gives its lines; `exit_code` is what it has to end with."""

    def run(*arguments: object, exit_code: int = 0) -> list[dict[str, Any]]:
        result = CliRunner().invoke(import_, [*map(str, arguments), "--json"], catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


JUNE, JULY = "20260601-20260701", "20260701-20260801"
SECRETS = {"access_key_id": "AKIAEXAMPLEEXAMPLE00", "secret_access_key": "a-secret-that-nobody-may-see"}


def focus(*costs: str, month: str = "2026-06", **columns: str) -> bytes:
    """A FOCUS csv with a row for each cost, in that billing period."""
    year, number = int(month[:4]), int(month[5:])
    following = f"{year + number // 12}-{number % 12 + 1:02}"
    dates = {
        "BillingPeriodStart": f"{month}-01T00:00:00Z",
        "BillingPeriodEnd": f"{following}-01T00:00:00Z",
        "ChargePeriodStart": f"{month}-03T00:00:00Z",
        "ChargePeriodEnd": f"{month}-03T01:00:00Z",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, CHARGE)
    writer.writeheader()
    for number, cost in enumerate(costs):
        row = {"BilledCost": cost, "EffectiveCost": cost, "ServiceName": f"Service {number}"}
        writer.writerow({**CHARGE, **dates, **row, **columns})
    return text.getvalue().encode()


def connect(name: str = "aws", **settings: Any) -> Source:
    """A connection to the bucket of the tests, not looked at yet."""
    return connecting.connect(
        name=name,
        kind="aws-exports",
        settings={"bucket": BUCKET, "prefix": PREFIX, **settings},
        secrets=SECRETS,
        months=13,
        actor=None,
    )


def work(source: Source, *, most: int = 50) -> list[Run]:
    """What a worker does until nothing waits for one, or the source rests; its runs as they are then, in order."""
    for _ in range(most):
        run = runs.in_order(source.runs.filter(status=Run.Status.QUEUED, source__rests_until=None)).first()
        if run is None:
            break
        collecting.execute(run.pk)
    return list(source.runs.order_by("pk"))


def look_again(source: Source, months: int = 13) -> list[Run]:
    """The next scheduled look and what follows from it."""
    last = source.runs.latest("pk").pk
    today = timezone.now().date()
    runs.queue_look(source, since=runs.months_back(today, months), actor=None)
    return [run for run in work(source) if run.pk > last]


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    """A state folder of the test's own: fetched files are kept there by the number of their run."""
    (tmp_path / "home" / "tmp").mkdir(parents=True)
    settings.FINOPS_HOME = tmp_path / "home"
    settings.SECRETS_KEY_FILE = tmp_path / "home" / "secrets_key"
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries of one request."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)


@pytest.fixture
def june(bucket: Bucket) -> Bucket:
    """A bucket in which June has been delivered."""
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2")})
    return bucket


def try_again(source: Source) -> list[Run]:
    """What happens when the time of everything that waits has come."""
    Run.objects.filter(status="waiting").update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    Source.objects.update(rests_until=None)
    runs.dispatch(source.pk)
    return work(source)


def fetching(source: Source) -> Run:
    """The newest run that fetches June."""
    return source.runs.filter(name="2026-06").latest("pk")


def before_reading(do: Any, name: str) -> Any:
    """The transfer of a file, before which something happens."""
    plain = Aws.get

    def get(self: Aws, bucket: str, file: Any, **words: str) -> Any:
        if file.key.endswith(name):
            do(file)
        return plain(self, bucket, file, **words)

    return get
