"""Reads of cost. Every one takes a Scope and answers with frozen dataclasses."""

from apps.costs.queries.charges import Charge, ChargeList, ChargeOrder
from apps.costs.queries.facts import Granularity, Metric
from apps.costs.queries.freshness import Freshness, ProviderFreshness, freshness
from apps.costs.queries.table import (
    MAX_DIMENSIONS,
    MAX_ROWS,
    CostQuery,
    CostQueryError,
    CostRow,
    CostTable,
    CostTotal,
    MissingRateError,
    OrderBy,
    cost_table,
)
from apps.costs.queries.values import MOST_VALUES, ValueList, dimension_values, tag_keys

__all__ = [
    "MAX_DIMENSIONS",
    "MAX_ROWS",
    "MOST_VALUES",
    "Charge",
    "ChargeList",
    "ChargeOrder",
    "CostQuery",
    "CostQueryError",
    "CostRow",
    "CostTable",
    "CostTotal",
    "Freshness",
    "Granularity",
    "Metric",
    "MissingRateError",
    "OrderBy",
    "ProviderFreshness",
    "ValueList",
    "cost_table",
    "dimension_values",
    "freshness",
    "tag_keys",
]
