"""Product attributes of a charge as FOCUS's SkuPriceDetails: flat columns, or the `product` map of CUR 2.0."""

import re
from typing import Final

from collectors.values import dump_json, load_object

ATTRIBUTES: Final = (
    "instance_type", "instance_family", "vcpu", "memory", "gpu", "gpu_memory", "operating_system", "license_model",
    "pre_installed_sw", "tenancy", "processor_architecture", "physical_processor", "database_engine",
    "database_edition", "deployment_option", "storage", "storage_class", "storage_media", "volume_type",
    "volume_api_name", "group", "operation", "usagetype",
)  # fmt: skip
"""Product attributes that explain a price; all others are left out."""

_FOCUS_NAMES: Final = {
    "instance_type": "InstanceType",
    "vcpu": "CoreCount",
    "memory": "MemorySize",
    "gpu": "GpuCount",
    "operating_system": "OperatingSystem",
    "storage_class": "StorageClass",
    "volume_type": "DiskType",
}
_NUMBERS: Final = ("CoreCount", "GpuCount", "MemorySize")
_NUMBER: Final = re.compile(r"(\d{1,3}(?:,\d{3})*|\d+)(\.\d+)?(?: GiB)?", re.ASCII)
_ABSENT: Final = (None, "", "NA")


def read_details(text: str) -> str | None:
    """Attributes under FOCUS's names with numbers as numbers (memory in GiB); all others as `x_` and AWS's name."""
    columns = load_object(text)
    product = columns.pop("product", None)
    attributes = {**(load_object(str(product)) if product else {}), **_present(columns)}
    return dump_json({_name(key): _value(key, attributes[key]) for key in ATTRIBUTES if _is_known(attributes, key)})


def read_product_name(text: str) -> str | None:
    """The name of the product in the `product` map."""
    name = load_object(text).get("product_name")
    return str(name) if name else None


def _present(columns: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in columns.items() if value not in _ABSENT}


def _is_known(attributes: dict[str, object], key: str) -> bool:
    return attributes.get(key) not in _ABSENT


def _name(key: str) -> str:
    return _FOCUS_NAMES.get(key, f"x_{key}")


def _value(key: str, value: object) -> object:
    match = _NUMBER.fullmatch(str(value)) if _name(key) in _NUMBERS else None
    if match is None:
        return value
    whole = match[1].replace(",", "")
    return float(whole + match[2]) if match[2] else int(whole)
