"""Pulumi's state in an S3 bucket: who may read and write the files of one environment."""

from dataclasses import dataclass

from components.iam import Statement
from components.names import Names

_STATE = "https://www.pulumi.com/docs/iac/concepts/state-and-backends/"


@dataclass(frozen=True, kw_only=True)
class State:
    """Where the engine keeps the state of the environments: `s3://<bucket>`, without a path below it."""

    bucket: str
    key_arns: tuple[str, ...] = ()
    """KMS keys that encrypt the bucket and the secrets in the state (`secretsprovider: awskms://...`)."""


def reads_state(state: State, names: Names, project: str) -> tuple[Statement, ...]:
    """The state of this environment of the Pulumi project, and of no other. A preview takes no lock."""
    bucket = f"arn:{names.partition}:s3:::{state.bucket}"
    return (
        Statement(
            sid="StateList",
            actions=("s3:GetBucketLocation", "s3:ListBucket"),
            resources=(bucket,),
            why="the engine looks for its files; without ListBucket what is missing looks forbidden",
            source=_STATE,
        ),
        Statement(
            sid="StateRead",
            actions=("s3:GetObject",),
            resources=(
                f"{bucket}/.pulumi/meta.yaml",
                f"{bucket}/.pulumi/stacks/{project}/{names.environment}.*",
            ),
            why="a preview compares with the state",
            source=_STATE,
        ),
        *(
            (
                Statement(
                    sid="StateDecrypt",
                    actions=("kms:Decrypt",),
                    resources=state.key_arns,
                    why="the state and the secrets in it are encrypted",
                    source="https://www.pulumi.com/docs/iac/concepts/secrets/",
                ),
            )
            if state.key_arns
            else ()
        ),
    )


def writes_state(state: State, names: Names, project: str) -> tuple[Statement, ...]:
    """Goes with `reads_state`."""
    bucket = f"arn:{names.partition}:s3:::{state.bucket}"
    own = f"{project}/{names.environment}"
    return (
        Statement(
            sid="StateWrite",
            actions=("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            resources=(
                f"{bucket}/.pulumi/backups/{own}/*",
                f"{bucket}/.pulumi/history/{own}/*",
                f"{bucket}/.pulumi/locks/organization/{own}/*",
                f"{bucket}/.pulumi/stacks/{own}.*",
            ),
            why="an update writes the state, its history and its lock",
            source=_STATE,
        ),
        *(
            (
                Statement(
                    sid="StateEncrypt",
                    actions=("kms:GenerateDataKey",),
                    resources=state.key_arns,
                    why="S3 encrypts each file with a data key; the one of the secrets was made with the stack",
                    source="https://www.pulumi.com/docs/iac/concepts/secrets/",
                ),
            )
            if state.key_arns
            else ()
        ),
    )
