"""From a node's provider id to the machine as its bill names it."""

import re
from typing import Final

_AWS: Final = re.compile(r"aws:///[^/]*/(i-[0-9a-f]+)")
_GOOGLE: Final = re.compile(r"gce://([^/]+)/([^/]+)/([^/]+)")
_AZURE: Final = re.compile(r"azure://(/subscriptions/.+?)(/virtualMachines/\d+)?", re.IGNORECASE)
_OCI: Final = re.compile(r"(?:oci://)?(ocid1\.instance\..+)")


def resource_id(provider_id: str) -> str:
    """The machine behind a node; empty where its cloud is not known, or it is no machine (Fargate).

    `aws:///zone/i-...` is the id of the instance, `gce://project/zone/name` and `azure:///subscriptions/...` the full
    name of the resource. Azure bills a scale set as a whole: its machines are the scale set.
    """
    if found := _AWS.fullmatch(provider_id):
        return found[1]
    if found := _GOOGLE.fullmatch(provider_id):
        return "//compute.googleapis.com/projects/{}/zones/{}/instances/{}".format(*found.groups())
    if found := _AZURE.fullmatch(provider_id):
        of_scale_set = found[2] and "/virtualmachinescalesets/" in found[1].lower()
        return (found[1] if of_scale_set else found[1] + (found[2] or "")).lower()
    found = _OCI.fullmatch(provider_id)
    return found[1] if found else ""
