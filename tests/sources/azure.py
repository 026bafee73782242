"""Azure sources for tests: the connection to the container of tests/azure.py, what testing it says, and June in it."""

import pytest

from apps.sources import connecting
from apps.sources.connections import connection
from apps.sources.models import Source
from collectors.connections import Check
from tests.azure import ACCOUNT, CLIENT, CONTAINER, PATH, SAS, TENANT, AzureServer
from tests.sources.conftest import focus

MAY, JUNE, JULY = "20260501-20260531", "20260601-20260630", "20260701-20260731"
FIRST, SECOND = "aaaaaaaa-1111-2222-3333-444444444444", "0bbbbbbb-1111-2222-3333-444444444444"
APPLICATION = {"tenant_id": TENANT, "client_id": CLIENT}
SETTINGS = {"account": ACCOUNT, "container": CONTAINER, "path": PATH}


def connect(secrets: dict[str, str] | None = None, **settings: str) -> Source:
    """A connection to the container of the tests, by SAS unless it says otherwise."""
    return connecting.connect(
        name="azure",
        kind="azure-exports",
        settings={**SETTINGS, **settings},
        secrets={"sas": SAS} if secrets is None else secrets,
        months=13,
        actor=None,
    )


def checks(secrets: dict[str, str], **settings: str) -> list[Check]:
    """What testing a connection says."""
    return list(connection("azure-exports", {**SETTINGS, **settings}, secrets).check())


def last(found: list[Check]) -> tuple[str, bool, str]:
    """The last step."""
    return found[-1].step, found[-1].ok, found[-1].says


@pytest.fixture
def june(azure: AzureServer) -> AzureServer:
    """A container in which June has been delivered."""
    azure.deliver(JUNE, {"part_0_0001.csv": focus("1", "2")}, run=FIRST)
    return azure
