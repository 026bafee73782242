"""What cannot be joined, and why: devices without a bill, and machines with GPUs that nobody measures."""

from typing import Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.utilization.queries.money import Reason, Unmatched, parameters, spent_sql
from apps.utilization.queries.which import Gpus, devices


def unmatched(period: Period, *, scope: Scope) -> list[Unmatched]:
    """Devices that were measured in the period and have no cost in it; then machines that nobody measured.

    A reader with teams gets the devices and machines that are theirs.
    """
    return [*without_cost(period, scope=scope), *without_measurement(period, scope=scope)]


def without_cost(period: Period, *, scope: Scope) -> list[Unmatched]:
    """Devices that were measured in the period and have no cost in it."""
    seen = None if scope.teams is None else list(devices(Gpus(), scope=scope).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(spent_sql(_DEVICES), parameters(period, Gpus(), "", scope) | {"devices": seen})
        return [Unmatched(Reason(reason), name, node, device_id) for reason, name, node, device_id in cursor.fetchall()]


def without_measurement(period: Period, *, scope: Scope) -> list[Unmatched]:
    """Machines with GPUs that nobody measured, dearest first, with their cost in the currency of the bill."""
    with connection.cursor() as cursor:
        cursor.execute(spent_sql(_MACHINES), parameters(period, Gpus(), "", scope))
        return [
            Unmatched(Reason.NOT_MEASURED, name, currency=currency, cost=cost)
            for name, currency, cost in cursor.fetchall()
        ]


_DEVICES: Final = sql.SQL(
    """
SELECT
    CASE
        WHEN g.named IS NULL THEN 'no_machine'
        WHEN EXISTS (SELECT FROM billed b JOIN machine m USING (machine) WHERE m.named = g.named)
            THEN 'counted_elsewhere'
        ELSE 'not_billed'
    END,
    coalesce(nullif(g.device, ''), g.resource_id), g.node, g.id
FROM gpu g
WHERE EXISTS (SELECT FROM measured u WHERE u.device_id = g.id)
    AND NOT EXISTS (SELECT FROM divided d WHERE d.device_id = g.id)
    AND (%(devices)s::bigint[] IS NULL OR g.id = ANY(%(devices)s))
ORDER BY 1, g.cluster, g.node, g.device, g.id
"""
)
_MACHINES: Final = sql.SQL(
    """
, unmeasured AS (
    SELECT r.resource_id, r.name, array_agg(called) AS names
    FROM inventory_resource r
    JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
    CROSS JOIN LATERAL unnest(r.resource_id || r.aliases) AS called
    WHERE r.kind = 'machine' AND s.details ->> 'gpus' ~ '^[1-9]'
    GROUP BY 1, 2
    HAVING NOT EXISTS (SELECT FROM called c WHERE c.name = ANY(array_agg(called)))
)
SELECT coalesce(nullif(min(m.name), ''), m.resource_id), k.billing_currency, sum(f.effective_cost)
FROM unmeasured m
JOIN costs_chargekey k ON k.resource_id = ANY(m.names)
JOIN costs_chargegroup g ON g.id = k.group_id
JOIN costs_dailycharge f ON f.key_id = k.id AND f.day BETWEEN %(first)s AND %(last)s
WHERE %(teams)s::text[] IS NULL OR g.team = ANY(%(teams)s)
GROUP BY m.resource_id, k.billing_currency
ORDER BY 3 DESC, 1
"""
)
