"""Tags of the inventory join charges: what a charge's own tags leave open, those of its resource tell."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs import allocation
from apps.costs.dimensions import Dimension
from apps.costs.models import ChargeKey
from apps.costs.queries import CostQuery, cost_table
from tests.inventory.conftest import Snapshot, machine
from tests.web.conftest import spend

__all__ = ["spend"]
JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
DAY = date(2026, 6, 3)

Spend = Callable[..., None]


@pytest.fixture(autouse=True)
def _teams(db: None) -> None:
    Team.objects.create(slug="search", name="Search")
    Team.objects.create(slug="ops", name="Ops", sub_account_ids=["111122223333"])


def costs(dimension: str = "team") -> dict[str, Decimal]:
    """What June costs by a dimension; it adds up to the same by months and by days."""
    query = CostQuery(JUNE, (Dimension(dimension),))
    by_month = {row.keys[0]: row.cost for row in cost_table(query, scope=Scope.everything()).rows if row.keys}
    days = CostQuery(Period(DAY, DAY), (Dimension(dimension),))
    by_day = {row.keys[0]: row.cost for row in cost_table(days, scope=Scope.everything()).rows if row.keys}
    assert by_day == by_month
    return by_month


def charge(amount: str, resource_id: str, **columns: Any) -> tuple[date, str, dict[str, Any]]:
    return DAY, amount, {"resource_id": resource_id, "sub_account_id": "9", **columns}


def test_a_charge_without_tags_belongs_to_the_team_of_its_resource(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("10.25", "i-1"), charge("2", "i-2"))
    assert costs() == {"": Decimal("12.25")}
    snapshot(machine("i-1", tags={"team": "search", "env": "prod", "app": "ranker"}))
    assert costs() == {"search": Decimal("10.25"), "": Decimal(2)}
    assert costs("environment") == {"prod": Decimal("10.25"), "": Decimal(2)}
    assert costs("workload") == {"ranker": Decimal("10.25"), "": Decimal(2)}


def test_it_does_so_when_the_bill_comes_later_too(spend: Spend, snapshot: Snapshot) -> None:
    snapshot(machine("i-1", tags={"team": "search"}))
    spend(charge("10.25", "i-1"))
    assert costs() == {"search": Decimal("10.25")}


def test_bills_may_call_a_resource_by_another_of_its_ids(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("3", "arn:aws:ec2:instance/i-1"))
    snapshot(machine("i-1", tags={"team": "search"}, aliases=["arn:aws:ec2:instance/i-1"]))
    assert costs() == {"search": Decimal(3)}


def test_the_charge_s_own_tags_count_before_those_of_its_resource(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("1", "i-1", team="mine"), charge("2", "i-1", tags={"team": "unknown"}))
    snapshot(machine("i-1", tags={"team": "search"}))
    assert costs() == {"mine": Decimal(1), "search": Decimal(2)}


def test_tags_of_the_resource_count_before_the_account(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("1", "i-1", sub_account_id="111122223333"), charge("2", "i-2", sub_account_id="111122223333"))
    snapshot(machine("i-1", tags={"team": "search"}))
    assert costs() == {"search": Decimal(1), "ops": Decimal(2)}


def test_another_tag_moves_the_charges_and_a_tag_that_goes_gives_them_back(spend: Spend, snapshot: Snapshot) -> None:
    Team.objects.create(slug="ads", name="Ads")
    spend(charge("5", "i-1"))
    snapshot(machine("i-1", tags={"team": "search"}))
    snapshot(machine("i-1", tags={"team": "ads"}), days=1)
    assert costs() == {"ads": Decimal(5)}
    snapshot(machine("i-1"), days=2)
    assert costs() == {"": Decimal(5)}


def test_a_closed_resource_keeps_the_charges_that_it_has_had(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("5", "i-1"))
    snapshot(machine("i-1", tags={"team": "search"}))
    snapshot(days=1)
    allocation.reallocate()
    assert costs() == {"search": Decimal(5)}


def test_of_two_resources_of_one_id_the_one_that_exists_tells(spend: Spend, snapshot: Snapshot) -> None:
    Team.objects.create(slug="ads", name="Ads")
    snapshot(machine("i-1", tags={"team": "search"}), source="old")
    snapshot(days=1, source="old")
    snapshot(machine("i-1", tags={"team": "ads"}), days=2, source="new")
    spend(charge("5", "i-1"))
    assert costs() == {"ads": Decimal(5)}


def test_only_charges_of_what_changed_are_looked_at_again(spend: Spend, snapshot: Snapshot) -> None:
    spend(charge("5", "i-1"), charge("7", "i-2"), charge("11", "i-3"))
    snapshot(machine("i-1", tags={"team": "search"}), machine("i-2", tags={"team": "search"}))
    with patch.object(allocation, "roll_up") as rolled:
        snapshot(machine("i-1", tags={"team": "search"}), machine("i-2", tags={"team": "search"}), days=1)
        snapshot(
            machine("i-1", tags={"team": "search"}, state="stopped"), machine("i-2", tags={"team": "search"}), days=2
        )
        assert not rolled.called
    untouched = set(ChargeKey.objects.exclude(resource_id="i-1").values_list("pk", "group_id"))
    snapshot(machine("i-1", tags={"team": "ops"}), machine("i-2", tags={"team": "search"}), days=3)
    assert costs() == {"ops": Decimal(5), "search": Decimal(7), "": Decimal(11)}
    assert set(ChargeKey.objects.exclude(resource_id="i-1").values_list("pk", "group_id")) == untouched
