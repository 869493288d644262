"""Where each resource of a stack comes from: made by it, or there already."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.limits import BucketName, ObjectPrefix, ProjectName, RepositoryName, RoleArn


class Section(BaseModel):
    """Settings that belong together. Keys in camel case; one that is unknown is an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class ArtifactStoreSettings(Section):
    """The S3 bucket that artifacts, code and logs are kept in."""

    mode: Literal["create", "existing"] = "create"
    """create: a bucket of this stack. existing: one of yours, which is read and never changed (docs/existing.md)."""
    bucket: Annotated[BucketName | None, Field(examples=["company-ml-artifacts"])] = None
    """The existing bucket, in this region and account."""
    prefix: Annotated[ObjectPrefix, Field(examples=["teams/vision"])] = ""
    """Everything is kept below it, and no right reaches further. Empty: the whole bucket."""


class RepositorySettings(Section):
    """The ECR repository that pipeline images are kept in."""

    mode: Literal["create", "existing"] = "create"
    """create: a repository of this stack. existing: one of yours, which is read and never changed."""
    name: Annotated[RepositoryName | None, Field(examples=["company/pipelines"])] = None
    """The existing repository, in this region and account."""


class BuildProjectSettings(Section):
    """The CodeBuild project that builds pipeline images."""

    mode: Literal["create", "existing"] = "create"
    """create: a project of this stack. existing: one of yours, which is read and never changed; the role that it runs
    as stands in roles.build."""
    name: Annotated[ProjectName | None, Field(examples=["company-image-builder"])] = None
    """The existing project, in this region and account."""


class RoleSource(Section):
    """Where one role comes from."""

    mode: Literal["create", "existing"] = "create"
    """create: a role of this stack. existing: one of yours, which is read and never changed."""
    arn: Annotated[RoleArn | None, Field(examples=["arn:aws:iam::123456789012:role/ml/training"])] = None
    """The existing role, in this account."""
