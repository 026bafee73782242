"""Oracle's FOCUS reports as charges: names of the preview of FOCUS, and reports that add to each other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

import polars as pl

from collectors.focus.costs import FocusCosts
from collectors.oci.costs import name_of

REFERENCE: Final = "oci_referencenumber"
"""The column, in small letters, that tells Oracle's own FOCUS reports: that of its first line names a report."""

RENAMED: Final = {
    "invoiceissuer": "InvoiceIssuerName",
    "provider": "ProviderName",
    "publisher": "PublisherName",
    "region": "RegionId",
    "usagequantity": "ConsumedQuantity",
    "usageunit": "ConsumedUnit",
}
"""Columns of the preview, in small letters, by what they are called since FOCUS 1.0."""


class OciFocus(FocusCosts):
    """Reads the rows of one report: some hours of a month, to be added to what other reports say of it."""

    left_out: ClassVar = (
        REFERENCE,
        "oci_attributedcost",  # shares the cost of a cluster out among its databases
        "oci_attributedusage",
        "oci_billedquantityoverage",  # parts of the cost and quantity
        "oci_costoverage",
        "oci_unitpriceoverage",
    )

    def __init__(self, header: Sequence[str], first_row: Sequence[str]) -> None:
        columns = [column.lower() for column in header]
        known = {*columns}
        names = [
            RENAMED[column] if column in RENAMED and RENAMED[column].lower() not in known else name
            for column, name in zip(columns, header, strict=True)
        ]
        super().__init__(names)
        part = pl.lit(name_of(first_row, columns.index(REFERENCE), "oci_ReferenceNumber"))
        self.layout = replace(self.layout, header=tuple(header), part=part)
