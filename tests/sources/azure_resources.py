"""Resources of two Azure subscriptions as Resource Graph tells them, one of each type that is listed and more."""

from typing import Any

FIRST_SUB, SECOND_SUB = "00000000-aaaa-bbbb-cccc-000000000001", "00000000-aaaa-bbbb-cccc-000000000002"
GROUP = "rg-ml"


def identity(type_: str, *names: str, subscription: str = FIRST_SUB) -> str:
    """An ARM id with the case that Azure writes."""
    provider, *types = type_.split("/")
    path = "/".join(f"{one}/{name}" for one, name in zip(types, names, strict=True))
    return f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/{provider}/{path}"


def resource(type_: str, *names: str, subscription: str = FIRST_SUB, **said: Any) -> dict[str, Any]:
    """A row of the answer; what is not said is null, as Azure has it."""
    row: dict[str, Any] = dict.fromkeys(("kind", "managedBy", "sku", "tags", "zones", "systemData"))
    row |= {"location": "westeurope", "resourceGroup": GROUP, "properties": {}, "subscriptionId": subscription}
    return {
        **row,
        "id": identity(type_, *names, subscription=subscription),
        "name": names[-1],
        "type": type_.lower(),
        **said,
    }


def machine(name: str, power: str, **said: Any) -> dict[str, Any]:
    """A virtual machine in a power state."""
    properties = {
        "hardwareProfile": {"vmSize": "Standard_NC24ads_A100_v4"},
        "storageProfile": {"osDisk": {"osType": "Linux"}},
        "timeCreated": "2026-05-01T08:30:00.1234567+00:00",
        "provisioningState": "Succeeded",
        "extended": {"instanceView": {"powerState": {"code": power}}} if power else {},
    }
    return resource("Microsoft.Compute/virtualMachines", name, properties=properties, **said)


def disk(name: str, state: str, **said: Any) -> dict[str, Any]:
    """A managed disk."""
    properties = {"diskState": state, "diskSizeGB": 128, "timeCreated": "2026-05-01T08:30:00Z"}
    return resource("Microsoft.Compute/disks", name, sku={"name": "Premium_LRS"}, properties=properties, **said)


CARD = identity("Microsoft.Network/networkInterfaces", "trainer-nic")
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
ESTATE = [
    machine("trainer", "PowerState/running", tags={"team": "ml-platform", "env": None}, zones=["2"]),
    machine("idle", "PowerState/stopped"),
    machine("parked", "PowerState/deallocated"),
    machine("unknown", ""),
    disk("trainer-os", "Attached", managedBy=identity("Microsoft.Compute/virtualMachines", "trainer")),
    disk("orphan", "Unattached"),
    resource(
        "Microsoft.Compute/snapshots",
        "before-upgrade",
        sku={"name": "Standard_ZRS"},
        properties={
            "diskSizeGB": 128,
            "provisioningState": "Succeeded",
            "creationData": {"sourceResourceId": identity("Microsoft.Compute/disks", "trainer-os")},
        },
    ),
    resource(
        "Microsoft.Network/publicIPAddresses",
        "used",
        sku={"name": "Standard"},
        properties={
            "publicIPAllocationMethod": "Static",
            "ipAddress": "20.1.2.3",
            "provisioningState": "Succeeded",
            "ipConfiguration": {"id": f"{CARD}/ipConfigurations/ipconfig1"},
        },
    ),
    resource(
        "Microsoft.Network/publicIPAddresses",
        "left",
        sku={"name": "Standard"},
        properties={"publicIPAllocationMethod": "Static", "provisioningState": "Succeeded"},
    ),
    resource(
        "Microsoft.ContainerService/managedClusters",
        "inference",
        sku={"name": "Base", "tier": "Standard"},
        tags={"team": "search"},
        properties={
            "powerState": {"code": "Running"},
            "kubernetesVersion": "1.33.2",
            "agentPoolProfiles": [
                {
                    "name": "gpu",
                    "vmSize": "Standard_NC4as_T4_v3",
                    "count": 3,
                    "osType": "Linux",
                    "type": "VirtualMachineScaleSets",
                    "powerState": {"code": "Running"},
                },
                {"name": "spare", "vmSize": "Standard_D4s_v5", "count": 0, "powerState": {"code": "Stopped"}},
            ],
        },
    ),
    resource(WORKSPACES, "lab", sku={"name": "Basic"}, kind="Default", properties={"provisioningState": "Succeeded"}),
    resource(
        f"{WORKSPACES}/computes",
        "lab",
        "anna",
        properties={"computeType": "ComputeInstance", "properties": {"vmSize": "STANDARD_DS3_V2", "state": "Running"}},
    ),
    resource(
        f"{WORKSPACES}/computes",
        "lab",
        "cluster",
        properties={
            "computeType": "AmlCompute",
            "properties": {"vmSize": "STANDARD_NC6S_V3", "allocationState": "Steady", "currentNodeCount": 0},
        },
    ),
    resource(
        f"{WORKSPACES}/onlineEndpoints",
        "lab",
        "ranker",
        properties={"provisioningState": "Failed"},
        systemData={"createdAt": "2026-04-02T10:00:00"},
    ),
    resource(
        "Microsoft.Sql/servers",
        "reports",
        kind="v12.0",
        properties={"state": "Ready", "version": "12.0"},
        location="West Europe",
    ),
    resource(
        "Microsoft.Sql/servers/databases",
        "reports",
        "sales",
        properties={"status": "Paused", "currentServiceObjectiveName": "GP_S_Gen5_2"},
        sku={"name": "GP_S_Gen5", "tier": "GeneralPurpose", "capacity": 2},
    ),
    resource(
        "Microsoft.Storage/storageAccounts",
        "northwinddata",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        subscription=SECOND_SUB,
        properties={"statusOfPrimary": "available", "accessTier": "Hot"},
    ),
    resource("Microsoft.KeyVault/vaults", "not-listed"),
]
