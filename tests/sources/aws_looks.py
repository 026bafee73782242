"""Looks at AWS inventories for tests: connections, what they fetch, and operations that are refused."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from collectors.aws.inventory import AwsInventory
from collectors.connections import Allowed, Window
from tests.aws import KEYS, AwsServer, error, sts_error

ACCOUNT = "123456789012"
OTHER = "222233334444"
HERE = "eu-central-1"
THERE = "us-east-1"
TAGS = [{"Key": "team", "Value": "search"}]


def inventory(*, regions: str = HERE, roles: str = "", keys: dict[str, str] = KEYS) -> AwsInventory:
    """A connection with the keys of the tests."""
    settings = AwsInventory.Settings(regions=regions, roles=roles)
    secrets = AwsInventory.Secrets(
        access_key_id=keys["aws_access_key_id"], secret_access_key=keys["aws_secret_access_key"]
    )
    return AwsInventory(settings, secrets, Allowed())


def look(made: AwsInventory, folder: Path) -> list[dict[str, Any]]:
    """Everything that a connection fetches, as rows with their JSON read."""
    rows: list[dict[str, Any]] = []
    for delivery in made.remote(Window(datetime.now(UTC).date())):
        to = folder / delivery.name
        to.mkdir(parents=True)
        with made.fetch(delivery.address, to, lambda _done, _total: None).open(newline="") as file:
            rows += list(csv.DictReader(file))
    for row in rows:
        for name in ("aliases", "tags", "details"):
            row[name] = json.loads(row[name] or "null")
    return rows


def by_type(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The resources of each type, without the ends of lists."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["resource_id"]:
            found.setdefault(row["resource_type"], []).append(row)
    return found


def ends(rows: list[dict[str, Any]]) -> set[str]:
    """The lists that were read to their end."""
    return {row["listing"] for row in rows if not row["resource_id"]}


def make_endpoint(aws: AwsServer, name: str, *, instance: str = "ml.g4dn.xlarge", green: str = "") -> None:
    """A SageMaker endpoint of two machines; with `green`, a second variant of one machine of that type."""
    sagemaker, role = aws.client("sagemaker", HERE), f"arn:aws:iam::{ACCOUNT}:role/x"
    image = {"Image": "123.dkr.ecr.eu-central-1.amazonaws.com/x"}
    sagemaker.create_model(ModelName=f"{name}-model", ExecutionRoleArn=role, PrimaryContainer=image)
    machines = [("blue", instance, 2), *([("green", green, 1)] if green else [])]
    variants = [
        {"VariantName": called, "ModelName": f"{name}-model", "InstanceType": type_, "InitialInstanceCount": count}
        for called, type_, count in machines
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config", Tags=TAGS)


def denied(aws: AwsServer, *actions: str) -> None:
    """Refuse some operations, whatever protocol their services speak, in the words of AWS."""

    def refuse(request: Request) -> Response | None:
        asked = next((action for action in actions if is_asked(request, action)), None)
        return refusal(request, asked) if asked else None

    aws.spoils.append(refuse)


def count(aws: AwsServer, action: str) -> list[str]:
    """A list that grows with each request for an operation."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.extend([request.full_path] if is_asked(request, action) else [])

    aws.spoils.append(note)
    return asked


def is_asked(request: Request, action: str) -> bool:
    """Whether a request is for that operation, as `sagemaker:ListEndpoints`."""
    service, _, operation = action.partition(":")
    if request.headers.get("X-Amz-Target", "").endswith(f".{operation}"):
        return True
    if service in ("ec2", "rds", "autoscaling", "sts"):
        return f"Action={operation}&" in request.get_data(as_text=True)
    paths = {
        "lambda:ListFunctions": "/functions",
        "s3:ListAllMyBuckets": "/?bucket-region",
        "eks:ListClusters": "/clusters",
        "account:GetAccountInformation": "/getAccountInformation",
    }
    paths["tag:GetResources"] = "GetResources"
    return action in paths and paths[action] in request.full_path


def refusal(request: Request, action: str) -> Response:
    """An answer that names what is missing."""
    message = f"User: arn:aws:iam::{ACCOUNT}:user/x is not authorized to perform: {action} because no policy allows it"
    if action.startswith("ec2:"):
        said = f"<Error><Code>UnauthorizedOperation</Code><Message>{message}</Message></Error>"
        return Response(f"<Response><Errors>{said}</Errors></Response>", 403, content_type="text/xml")
    if action.partition(":")[0] in ("rds", "autoscaling", "sts"):
        return sts_error(403, "AccessDenied", message)(request)
    if action.startswith("s3:"):
        return error(403, "AccessDenied", message)(request)
    body = json.dumps({"__type": "AccessDeniedException", "message": message, "Message": message})
    return Response(body, 400, {"Content-Type": "application/json", "X-Amzn-Errortype": "AccessDeniedException"})
