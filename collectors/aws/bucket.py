"""A path in an S3 bucket: what every kind that reads one is told, and as whom it looks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from collectors.aws.settings import Secrets, clients, read_policy
from collectors.connections import Allowed, Connection


class InBucket(Connection):
    """A kind that reads what lies below a path of a bucket."""

    Secrets: ClassVar = Secrets
    template: ClassVar = "aws-read-role.yaml"
    template_help: ClassVar = (
        "is a CloudFormation template that asks for bucket, path and external id, and makes the role."
    )

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._aws = clients(secrets, region=settings.region, role=settings.role_arn, external_id=settings.external_id)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._aws.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """IAM policy of the role or user: list and read this path, nothing else."""
        return read_policy(settings)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """As an s3:// address."""
        return f"s3://{settings['bucket']}/{settings['prefix']}"

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """Whose keys, and the role that they take on."""
        role = [("Take on the role", self._aws.take_role)] if self.settings.role_arn else []
        return [("Sign in to AWS", self._aws.identity), *role]
