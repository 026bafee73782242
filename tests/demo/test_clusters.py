"""The clusters of the demo: pods on machines of its fleet, whose bills they add up to."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.accounts.scope import Scope
from apps.clusters.dimensions import Key
from apps.clusters.queries import ClusterQuery, add_up, cluster_costs, node_matches
from apps.core.periods import Period
from tests.demo.database import UNTIL

pytestmark = pytest.mark.usefixtures("demo")
MONTH = Period(UNTIL - timedelta(days=29), UNTIL)
ALL = Scope.everything()


def billed(first: date, last: date) -> Decimal:
    """What the bills say of the machines that are nodes, on the days on which they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(f.effective_cost) FROM clusters_nodeday n"
            " JOIN costs_chargekey k ON k.resource_name = n.node AND k.resource_id LIKE '%%' || n.resource_id"
            " JOIN costs_dailycharge f ON f.key_id = k.id AND f.day = n.day WHERE n.day BETWEEN %s AND %s",
            [first, last],
        )
        return Decimal(cursor.fetchone()[0])


def test_pods_and_idle_are_the_bills_of_their_nodes() -> None:
    found = cluster_costs(ClusterQuery(MONTH, (Key("namespace"),)), scope=ALL)

    assert found.total("USD") == billed(MONTH.first, MONTH.last) > 10_000
    costs = {line.keys[0]: line.cost for line in found.lines}
    assert min(costs.values()) > 0
    assert {"chat", "llm", "gateway", "search", None} <= costs.keys()


def test_every_node_has_its_bill_on_every_day() -> None:
    matches = node_matches(ClusterQuery(MONTH), newest=UNTIL, scope=ALL)

    assert (matches.unmatched, matches.matched > 40) == ((), True)


def test_teams_see_their_pods_by_label_or_by_namespace() -> None:
    everybody = cluster_costs(ClusterQuery(MONTH, (Key("team"),)), scope=ALL)
    search = cluster_costs(ClusterQuery(MONTH, (Key("namespace"),)), scope=Scope(("search",)))

    teams = {line.keys[0]: line.cost for line in everybody.lines if not line.is_idle}
    assert {"ml-platform", "search", "web", "voice", "shared", ""} == teams.keys()
    assert [(line.keys, line.cost) for line in search.lines] == [(("search",), teams["search"])]
    assert add_up(teams.values()) == everybody.total("USD", idle=False)
