"""What the database holds, asked in three ways that must agree."""

from decimal import Decimal

from django.db import connection

TABLES = ("costs_dailycharge", "costs_dailycost", "costs_monthlygroupcost", "costs_monthlycost")


def stored(metric: str = "billed_cost") -> Decimal:
    """The sum over the facts; fails where a rollup has another."""
    sums: dict[str, Decimal] = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT coalesce(sum({metric}), 0) FROM {table}")
            sums[table] = cursor.fetchone()[0]
    assert len(set(sums.values())) == 1, sums
    return sums["costs_dailycharge"]
