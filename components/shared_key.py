"""The policy of a KMS key that several teams share: each may use it for its own bucket and for no other."""

from collections.abc import Iterable
from dataclasses import dataclass

from components.iam import Conditions, Statement
from components.names import Names

# With a bucket key, as here, S3 gives KMS the bucket's ARN; for an object written without one, the object's.
_CONTEXT = "kms:EncryptionContext:aws:s3:arn"
_SOURCE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context"


@dataclass(frozen=True, kw_only=True)
class KeyUser:
    """What one team does with the key."""

    team: str
    bucket_arn: str
    readers: tuple[str, ...] | None
    """ARNs of the roles that use it through S3. None: whom IAM policies of the account let."""
    jobs: str | None
    """ARN of the role that runs SageMaker jobs on encrypted volumes."""


def of_bucket(bucket_arn: str) -> Conditions:
    """Holds for objects of that bucket alone."""
    return {"StringLike": {_CONTEXT: (bucket_arn, f"{bucket_arn}/*")}}


def readers(names: Names, users: Iterable[KeyUser]) -> tuple[Statement, ...]:
    """A statement for each team in the key's policy."""
    through_s3 = {"kms:ViaService": f"s3.{names.region}.{names.dns_suffix}"}
    return tuple(
        Statement(
            # No name has a capital letter: `a-b` and `ab` stay apart.
            sid=f"ArtifactsThroughS3Of{user.team.replace('-', 'X')}",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=("*",),
            principals={"AWS": names.account_arn},
            conditions={
                "StringEquals": through_s3,
                **of_bucket(user.bucket_arn),
                **({"ArnEquals": {"aws:PrincipalArn": user.readers}} if user.readers is not None else {}),
            },
            why=f"artifacts, build contexts and job output of team {user.team}, and of no other, are encrypted objects",
            source=_SOURCE,
        )
        for user in users
    )
