"""Fields that every kind of AWS source asks for, each checked in one place."""

from collections.abc import Mapping
from string import Template
from typing import Annotated, Any, Final
from uuid import uuid4

from pydantic import AfterValidator, Field, SecretStr

from collectors.aws.clients import Aws
from collectors.connections import Fields

BUCKET_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
HOMES: Final = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where a partition is asked first; all others in us-east-1."""

POLICY: Final = Template("""\
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::$bucket",
      "Condition": {"StringLike": {"s3:prefix": "$prefix*"}}
    },
    {
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::$bucket/$prefix*"
    }
  ]
}
""")


def _bucket(value: str) -> str:
    name = value.removeprefix("s3://").strip("/")
    if not 3 <= len(name) <= 255 or not set(name) <= BUCKET_CHARACTERS:
        raise ValueError("This is no bucket's name: write it without s3:// and without a path.")
    return name


def _path(value: str) -> str:
    return value.strip("/")


def _region(value: str) -> str:
    if not value.isascii() or not value.replace("-", "").isalnum():
        raise ValueError("This is no region: write its code, for example eu-central-1.")
    return value.lower()


def _role(value: str) -> str:
    if value and not (value.startswith("arn:") and ":role/" in value):
        raise ValueError("This is no ARN of a role: it looks like arn:aws:iam::111122223333:role/FinOpsRead.")
    return value


def listed(value: str) -> tuple[str, ...]:
    """What stands between commas or blanks, each once."""
    return tuple(dict.fromkeys(value.replace(",", " ").split()))


def _regions(value: str) -> str:
    return ", ".join(map(_region, listed(value)))


def _roles(value: str) -> str:
    roles = [_role(role) for role in listed(value)]
    accounts = [account_of(role) for role in roles]
    if twice := [account for account in accounts if accounts.count(account) > 1]:
        raise ValueError(f"Two roles are of account {twice[0]}: keep one of them.")
    return ", ".join(roles)


Bucket = Annotated[str, AfterValidator(_bucket)]
FolderPath = Annotated[str, AfterValidator(_path)]
Region = Annotated[str, AfterValidator(_region)]
Regions = Annotated[str, AfterValidator(_regions)]
Role = Annotated[str, AfterValidator(_role)]
Roles = Annotated[str, AfterValidator(_roles)]


def external_id() -> Any:
    """The field that the trust policy of a role asks for; made up for each connection."""
    return Field(
        default_factory=lambda: uuid4().hex,
        title="External id",
        description="The role's trust policy asks for it, so that nobody else can borrow the role.",
    )


class BucketSettings(Fields):
    """A path in a bucket, and as whom it is read."""

    bucket: Bucket = Field(title="Bucket", description="The S3 bucket that the files are in.")
    prefix: FolderPath = Field("", title="Path", description="The folders above the files. Empty: the whole bucket.")
    region: Region = Field("us-east-1", title="Region", description="Of the bucket.")
    role_arn: Role = Field(
        "",
        title="Role",
        description="ARN of the role that reads the bucket, for example arn:aws:iam::111122223333:role/FinOpsRead.",
    )
    external_id: str = external_id()


class Secrets(Fields):
    """Keys, for a server that has no AWS identity of its own."""

    access_key_id: SecretStr = Field(
        SecretStr(""),
        title="Access key id",
        description="Leave both empty where this server runs with an AWS identity of its own.",
    )
    secret_access_key: SecretStr = Field(SecretStr(""), title="Secret access key")


def read_policy(settings: Mapping[str, str]) -> str:
    """IAM policy that lists and reads one path of a bucket, nothing else; `settings` may be incomplete."""
    path = settings.get("prefix", "").strip("/")
    return POLICY.substitute(bucket=settings.get("bucket", "") or "BUCKET", prefix=f"{path}/" if path else "")


def account_of(role: str) -> str:
    """The account in the ARN of a role."""
    return role.split(":")[4]


def home_of(arn: str) -> str:
    """The region that is asked first, by the partition in an ARN; us-east-1 where there is none."""
    return HOMES.get(arn.partition(":")[2].partition(":")[0], "us-east-1")


def clients(secrets: Secrets, *, region: str, role: str, external_id: str) -> Aws:
    """Clients of a source, with the keys that it was given."""
    return Aws(
        region=region,
        role_arn=role,
        external_id=external_id,
        access_key_id=secrets.access_key_id.get_secret_value(),
        secret_key=secrets.secret_access_key.get_secret_value(),
    )
