"""Reads of cost. Every one takes a Scope and answers with frozen dataclasses."""

from apps.costs.queries.charges import Charge, ChargeList, ChargeOrder
from apps.costs.queries.facts import Granularity, Metric
from apps.costs.queries.freshness import Freshness, ProviderFreshness, SourceFreshness, freshness
from apps.costs.queries.leaves import CostLeaf, CostLeaves, are_comparable, cost_leaves
from apps.costs.queries.question import (
    MAX_DIMENSIONS,
    MAX_ROWS,
    CostQuery,
    CostQueryError,
    MissingRateError,
    OrderBy,
)
from apps.costs.queries.search import Match, find_values
from apps.costs.queries.table import CostRow, CostTable, CostTotal, cost_table
from apps.costs.queries.tree import CostNode, CostTree, CostView, cost_view
from apps.costs.queries.values import MOST_VALUES, ValueList, dimension_values, tag_keys

__all__ = [
    "MAX_DIMENSIONS",
    "MAX_ROWS",
    "MOST_VALUES",
    "Charge",
    "ChargeList",
    "ChargeOrder",
    "CostLeaf",
    "CostLeaves",
    "CostNode",
    "CostQuery",
    "CostQueryError",
    "CostRow",
    "CostTable",
    "CostTotal",
    "CostTree",
    "CostView",
    "Freshness",
    "Granularity",
    "Match",
    "Metric",
    "MissingRateError",
    "OrderBy",
    "ProviderFreshness",
    "SourceFreshness",
    "ValueList",
    "are_comparable",
    "cost_leaves",
    "cost_table",
    "cost_view",
    "dimension_values",
    "find_values",
    "freshness",
    "tag_keys",
]
