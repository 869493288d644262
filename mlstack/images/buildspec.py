"""What CodeBuild runs, given with each build, so that it is this release's and not whatever the project was made with.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from collections.abc import Sequence

from mlstack.images.target import PLATFORM, Target

# AWS's own, with docker and the AWS command line in it. CodeBuild starts a docker daemon in it when it is privileged:
# https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker-section.html
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"

# BuildKit takes an empty file for none, and then looks into the context.
NOTHING_IGNORED = "# nothing more"

_LOG_IN = (
    'aws ecr get-login-password --region "$AWS_REGION" '
    '| docker login --username AWS --password-stdin "$MLSTACK_REGISTRY"'
)
# The manifest itself is given the other name, so that both are one image; pushing again may make another of it.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.html
_GIVE_TAG = (
    'if [ "$MLSTACK_TAG" != "$MLSTACK_CONTENT_TAG" ]; then '
    'manifest=$(aws ecr batch-get-image --repository-name "$MLSTACK_REPOSITORY" '
    '--image-ids imageTag="$MLSTACK_CONTENT_TAG" --query "images[0].imageManifest" --output text) '
    '&& aws ecr put-image --repository-name "$MLSTACK_REPOSITORY" --image-tag "$MLSTACK_TAG" '
    '--image-manifest "$manifest" > /dev/null; fi'
)

# ECR fetches what is not there yet by its tag alone, and the Dockerfile asks by digest. Where that fails the build may
# still go well, with what is cached from before. https://github.com/aws/containers-roadmap/issues/2837
_ASK_FIRST = (
    f'for base in $MLSTACK_BASES; do docker pull --quiet --platform {PLATFORM} "$base" '
    '|| echo "$base cannot be pulled by its tag; what is cached has to do"; done'
)

BUILD = f"""version: 0.2
env:
  shell: bash
  variables:
    DOCKER_BUILDKIT: "1"
    # An image with attestations is an index of images, which SageMaker does not take.
    BUILDX_NO_DEFAULT_ATTESTATIONS: "1"
phases:
  pre_build:
    commands:
      - {_LOG_IN}
  build:
    commands:
      - mkdir context
      - tar -xf context.tar -C context
      # What is to be ignored was left out before the upload; a .dockerignore of the context does not count again.
      - echo "{NOTHING_IGNORED}" > Dockerfile.dockerignore
      - {_ASK_FIRST}
      - docker build --platform {PLATFORM} --file Dockerfile --tag "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG" context
      - docker push "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG"
      - {_GIVE_TAG}
"""
"""Builds the context and pushes the image under its content's tag, then under the one that was asked for."""

TAG = f"""version: 0.2
env:
  shell: bash
phases:
  build:
    commands:
      - {_GIVE_TAG}
"""
"""Gives one more tag to an image that is there already."""


def variables(target: Target, content_tag: str, tag: str, bases: Sequence[str]) -> dict[str, str]:
    """The environment of both. `bases`: images that are asked for before the build."""
    return {
        **({"MLSTACK_BASES": " ".join(bases)} if bases else {}),
        "MLSTACK_REGISTRY": target.registry,
        "MLSTACK_REPOSITORY": target.repository,
        "MLSTACK_IMAGE": target.image,
        "MLSTACK_CONTENT_TAG": content_tag,
        "MLSTACK_TAG": tag,
    }
