"""The kinds of billing tables in BigQuery: which one a table is, and how its months and their rows are asked for."""

from dataclasses import dataclass
from string import Template
from typing import Any, Final

from collectors.errors import ProviderRefusedError
from collectors.focus.costs import FOCUS_REQUIRED
from collectors.gcp.columns import GCP_REQUIRED

USAGE_MONTHS: Final = Template("""\
SELECT invoice.month, CAST(MAX(export_time) AS STRING), COUNT(*),
  CAST(MIN(DATE(_PARTITIONTIME)) AS STRING), CAST(MAX(DATE(_PARTITIONTIME)) AS STRING)
FROM `$table`
WHERE _PARTITIONTIME >= TIMESTAMP(@since) AND invoice.month >= @month
GROUP BY 1 ORDER BY 1""")
USAGE_ROWS: Final = Template("""\
SELECT TO_JSON_STRING(t)
FROM `$table` AS t
WHERE t._PARTITIONTIME BETWEEN TIMESTAMP(@first) AND TIMESTAMP(@last) AND t.invoice.month = @month""")
FOCUS_MONTHS: Final = Template("""\
SELECT FORMAT_DATE('%Y%m', $day), CAST($newest AS STRING), COUNT(*),
  CAST(MIN($day) AS STRING), CAST(MAX($day) AS STRING)
FROM `$table`
WHERE $day >= @since AND FORMAT_DATE('%Y%m', $day) >= @month
GROUP BY 1 ORDER BY 1""")
FOCUS_ROWS: Final = Template("""\
SELECT TO_JSON_STRING(t)
FROM (
  SELECT $columns
  FROM `$table`
  WHERE $day BETWEEN @first AND @last AND FORMAT_DATE('%Y%m', $day) = @month
) AS t""")
LABELS: Final = ("x_ProjectLabels", "x_Tags", "x_SystemLabels", "x_Labels")
"""Where Google's FOCUS export, which has no Tags, keeps them; of equal keys, the later one counts."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked of a table.

    `months` gives month (YYYYMM), a text that differs when its rows do, their number, and the first and the last day
    that the rows lie at; it has the parameters since and month. `rows` gives the rows of a month as JSON; it has the
    parameters month, first and last.
    """

    months: str
    rows: str


def export_of(table: Any, name: str) -> Export:
    """The questions for a table as BigQuery describes it. Raises ProviderRefusedError for one that is no bill."""
    fields = {field.name.lower(): field for field in table.schema}
    if all(column.lower() in fields for column in FOCUS_REQUIRED):
        return _focus(fields, name)
    _refuse_other(table, fields)
    return Export(USAGE_MONTHS.substitute(table=name), USAGE_ROWS.substitute(table=name))


def _refuse_other(table: Any, fields: dict[str, Any]) -> None:
    missing = [column for column in GCP_REQUIRED if column.partition(".")[0] not in fields]
    if missing:
        raise ProviderRefusedError(
            f"The table is no usage cost export: it lacks {missing[0]}. Give the one that is called"
            " gcp_billing_export_v1_..., gcp_billing_export_resource_v1_... or gcp_billing_export_focus_..."
        )
    days = table.time_partitioning
    if days is None or days.field or days.type_ != "DAY":
        raise ProviderRefusedError(
            "The table is not divided by the day of export, so that each look would read all of it: give the"
            " table that Google writes, not a copy or a view of it."
        )


def _focus(fields: dict[str, Any], name: str) -> Export:
    """Google's FOCUS export, or its view in FOCUS over the detailed export: neither tells how it is divided."""
    start = fields["billingperiodstart"]
    day = start.name if start.field_type == "DATE" else f"DATE({start.name})"
    newest = "MAX(x_ExportTime)" if "x_exporttime" in fields else "SUM(BilledCost)"
    return Export(
        FOCUS_MONTHS.substitute(table=name, day=day, newest=newest),
        FOCUS_ROWS.substitute(table=name, day=day, columns=_columns(fields, day)),
    )


def _columns(fields: dict[str, Any], day: str) -> str:
    """All, with a ProviderName, which Google may leave empty, and Tags, inherited ones first: the later one counts.

    Periods are months; the view ends them a day early.
    """
    replaced = [f"DATE_ADD({day}, INTERVAL 1 MONTH) AS BillingPeriodEnd"]
    if "providername" in fields:
        replaced.append("IFNULL(ProviderName, 'Google Cloud') AS ProviderName")
    tags = fields.get("tags")
    if tags is not None and any(field.name.lower() == "x_inherited" for field in tags.fields):
        replaced.append("ARRAY(SELECT tag FROM UNNEST(Tags) AS tag ORDER BY tag.x_inherited DESC) AS Tags")
    whole = f"* REPLACE ({', '.join(replaced)})"
    lists = [
        f"ARRAY(SELECT AS STRUCT label.key, label.value FROM UNNEST({column}) AS label)"
        for column in LABELS
        if column.lower() in fields
    ]
    return whole if tags is not None or not lists else f"{whole}, ARRAY_CONCAT({', '.join(lists)}) AS Tags"
