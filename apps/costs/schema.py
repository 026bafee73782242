"""How the API of costs is documented: its parameters and answers in OpenAPI."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.core.exact import ExactField
from apps.core.periods import PERIOD_NAMES
from apps.costs.dimensions import DIMENSION_NAMES
from apps.costs.export import Format
from apps.costs.focus import Version
from apps.costs.models import ExchangeRate
from apps.costs.parameters import AS_BILLED, COMPARISONS, DEFAULT_PERIOD, MAX_LIMIT, YesNo
from apps.costs.queries import ChargeOrder, Granularity, Metric, OrderBy

MONEY: Final[dict[str, Any]] = {"help_text": "exact decimal text"}


class TotalSerializer(serializers.Serializer[object]):
    """What all rows of one currency add up to."""

    currency = serializers.CharField()
    cost = serializers.CharField(**MONEY)
    previous = serializers.CharField(required=False, **MONEY)
    delta = serializers.CharField(required=False, **MONEY)
    unpriced = serializers.CharField(
        required=False, help_text="effective cost of charges whose list (contracted) price is not known"
    )
    long_charges = serializers.CharField(help_text="part of `cost` from charges that reach beyond their day")
    groups = serializers.IntegerField(help_text="how many groups there are, those in the rest included")


class RowSerializer(serializers.Serializer[object]):
    """One group's cost (of one date)."""

    keys = serializers.DictField(
        child=serializers.CharField(allow_null=True, allow_blank=True),
        help_text="dimension -> value; empty = has none; null in every key = the rest beyond `limit`, summed",
    )
    date = serializers.DateField(required=False, help_text="first day of the day, week or month")
    currency = serializers.CharField()
    cost = serializers.CharField(**MONEY)
    previous = serializers.CharField(required=False, **MONEY)
    delta = serializers.CharField(required=False, **MONEY)
    unpriced = serializers.CharField(required=False, **MONEY)
    other = serializers.BooleanField(required=False, help_text="true on the row of the rest, absent on the others")
    groups = serializers.IntegerField(required=False, help_text="how many groups the rest holds; only on its row")


class DaysSerializer(serializers.Serializer[object]):
    """Days, both included."""

    start = serializers.DateField()
    end = serializers.DateField()


class ProviderAsOfSerializer(serializers.Serializer[object]):
    """How far one provider's data reaches."""

    provider = serializers.CharField(allow_blank=True)
    as_of = serializers.DateField()


class SourceAsOfSerializer(serializers.Serializer[object]):
    """How far one source's costs of one provider reach."""

    name = serializers.CharField(allow_null=True, help_text="null where the caller may not see sources")
    provider = serializers.CharField(allow_blank=True)
    as_of = serializers.DateField(help_text="newest complete day")
    loaded_at = serializers.DateTimeField()
    days_may_change = serializers.IntegerField(help_text="complete days, counted back from `as_of`")


class MetaSerializer(serializers.Serializer[object]):
    """What was asked, resolved, and how fresh the answer is."""

    start = serializers.DateField()
    end = serializers.DateField(help_text="included; the day before `start` while a period has no complete day yet")
    granularity = serializers.ChoiceField(list(Granularity))
    group_by = serializers.ListField(child=serializers.CharField())
    metric = serializers.ChoiceField(list(Metric))
    currency = serializers.CharField(allow_null=True, help_text="of every amount; null when there are several")
    compare = DaysSerializer(allow_null=True)
    limit = serializers.IntegerField(allow_null=True)
    order_by = serializers.ChoiceField(list(OrderBy))
    partial_from = serializers.DateField(allow_null=True, help_text="first day asked for that is not complete")
    as_of = serializers.DateField(allow_null=True, help_text="newest complete day with data")
    may_change_from = serializers.DateField(allow_null=True, help_text="first day whose costs may still change")
    providers = ProviderAsOfSerializer(many=True)
    sources = SourceAsOfSerializer(many=True)


class CostsSerializer(serializers.Serializer[object]):
    """Cost by dimension and date."""

    meta = MetaSerializer()
    total = serializers.CharField(
        allow_null=True, help_text="sum of the rows; null when they are in several currencies"
    )
    totals = TotalSerializer(many=True)
    rows = RowSerializer(many=True)


class ChargeSerializer(serializers.Serializer[object]):
    """One charge, as billed, and where it came from."""

    day = serializers.DateField()
    charge_period_start = serializers.DateTimeField(allow_null=True, help_text="set when it reaches beyond `day`")
    charge_period_end = serializers.DateTimeField(allow_null=True, help_text="exclusive")
    currency = serializers.CharField()
    billed_cost = ExactField(**MONEY)
    effective_cost = ExactField(**MONEY)
    list_cost = ExactField(allow_null=True, **MONEY)
    contracted_cost = ExactField(allow_null=True, **MONEY)
    list_unit_price = ExactField(allow_null=True)
    contracted_unit_price = ExactField(allow_null=True)
    pricing_quantity = ExactField(allow_null=True)
    consumed_quantity = ExactField(allow_null=True)
    invoice_id = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(allow_blank=True)
    workload = serializers.CharField(allow_blank=True)
    columns = serializers.DictField(help_text="what the bill said besides, by FOCUS name")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of this name, not DRF's option
        allow_null=True, help_text="null, like the ids and the row, for who sees some teams' costs alone"
    )
    delivery_id = serializers.IntegerField(allow_null=True)
    statement_id = serializers.IntegerField(allow_null=True)
    first_row = serializers.IntegerField(allow_null=True, help_text="first row of the delivery behind it")
    row_count = serializers.IntegerField(help_text="how many rows of the delivery are behind it")


class RateSerializer(serializers.Serializer[ExchangeRate]):
    """What one unit of `currency` is worth in `reporting_currency` in a calendar month."""

    id = serializers.IntegerField(read_only=True)
    currency = serializers.CharField(help_text="ISO 4217 code, like EUR")
    reporting_currency = serializers.CharField(help_text="ISO 4217 code, like USD")
    month = serializers.CharField(help_text="`2026-06`, or its first day")
    rate = ExactField(help_text="positive decimal text")


def _query(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, description=description, **more)


def _by_dimension(name: str, description: str) -> OpenApiParameter:
    """A parameter like `filter[service]=a,b`, once for each dimension."""
    of_dimensions = {dimension: {"type": "string"} for dimension in DIMENSION_NAMES}
    shape = {"type": "object", "properties": of_dimensions, "additionalProperties": {"type": "string"}}
    return OpenApiParameter(name, shape, description=description, style="deepObject", explode=True)


PERIOD: Final = [
    _query("start", "First day, `YYYY-MM-DD`; with `end`.", type=OpenApiTypes.DATE),
    _query("end", "Last day, included.", type=OpenApiTypes.DATE),
    _query(
        "period",
        f"Instead of dates; complete days only. Without any, `{DEFAULT_PERIOD}`. Quarters are those of the calendar;"
        " `fytd` is the organisation's fiscal year to date.",
        enum=PERIOD_NAMES,
    ),
]
FILTERS: Final = [
    _by_dimension(
        "filter",
        "`filter[DIMENSION]=a,b` keeps charges with one of the values. Nothing after the sign, or an empty value in the"
        ' list, means "has none". A value with a comma stands in quotes: `"a,b"`. `DIMENSION` may be `tag:KEY`.',
    ),
    _by_dimension("exclude", "`exclude[DIMENSION]=a,b` leaves out charges with one of the values."),
]
COSTS: Final = [
    *PERIOD,
    _query("granularity", "How finely rows tell dates apart.", enum=list(Granularity), default="none"),
    _query(
        "group_by",
        'Up to three, with commas; a tag whose key has a comma stands in quotes, `"tag:a,b"`: '
        f"{', '.join(DIMENSION_NAMES)}, tag:KEY.",
    ),
    *FILTERS,
    _query("metric", "Which cost.", enum=list(Metric), default="effective"),
    _query(
        "currency",
        "ISO 4217 code to convert to, by the exchange rates of each calendar month. Without it, the organisation's"
        f" reporting currency; `{AS_BILLED}` leaves amounts in the currencies billed, apart from each other.",
    ),
    _query(
        "compare",
        "`previous`: as many days just before; `last_month`, `last_year`: the same days of the month or year before.",
        enum=list(COMPARISONS),
    ),
    _query("compare_start", "First day to compare with; with `compare_end`.", type=OpenApiTypes.DATE),
    _query("compare_end", "Last day to compare with, included.", type=OpenApiTypes.DATE),
    _query("limit", f"How many groups to tell apart, per currency, up to {MAX_LIMIT:,}.", type=OpenApiTypes.INT),
    _query("order_by", "What groups are sorted by, before `limit` cuts.", enum=list(OrderBy), default="-cost"),
]
CHARGES: Final = [
    *PERIOD,
    *FILTERS,
    _query("order_by", "Cost is the effective cost.", enum=list(ChargeOrder), default="-cost"),
]
EXPORT: Final = [
    *PERIOD,
    *FILTERS,
    _query("format", "What kind of file.", enum=list(Format), default="csv"),
    _query("version", "Of FOCUS.", enum=list(Version), default="1.2"),
]
TABLE: Final = [
    *COSTS,
    _query("children", f"How many groups to tell apart within each group, up to {MAX_LIMIT:,}.", type=OpenApiTypes.INT),
    _query("format", "What kind of file.", enum=list(Format), default="csv"),
    _query(
        "header",
        "`no` leaves out a csv file's lines that begin with `#`: the question, how fresh the answer is, the totals.",
        enum=list(YesNo),
        default="yes",
    ),
]
EXPORTED: Final = {
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
}
