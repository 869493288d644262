"""What CodeBuild runs, given with each build, so that it is this release's and not whatever the project was made with.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from mlstack.images.target import PLATFORM

# AWS's own, with docker and the AWS command line in it. CodeBuild starts a docker daemon in it when it is privileged:
# https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker-section.html
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"

_LOG_IN = (
    'aws ecr get-login-password --region "$AWS_REGION" '
    '| docker login --username AWS --password-stdin "$MLSTACK_REGISTRY"'
)
_PUSH_TAG = (
    'if [ "$MLSTACK_TAG" != "$MLSTACK_CONTENT_TAG" ]; then '
    'docker tag "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG" "$MLSTACK_IMAGE:$MLSTACK_TAG" '
    '&& docker push "$MLSTACK_IMAGE:$MLSTACK_TAG"; fi'
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
      - touch Dockerfile.dockerignore
      - docker build --platform {PLATFORM} --file Dockerfile --tag "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG" context
      - docker push "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG"
      - {_PUSH_TAG}
"""
"""Builds the context and pushes the image under its content's tag, then under the one that was asked for."""

TAG = f"""version: 0.2
env:
  shell: bash
phases:
  pre_build:
    commands:
      - {_LOG_IN}
  build:
    commands:
      - docker pull "$MLSTACK_IMAGE:$MLSTACK_CONTENT_TAG"
      - {_PUSH_TAG}
"""
"""Gives one more tag to an image that is there already."""


def variables(*, registry: str, image: str, content_tag: str, tag: str) -> dict[str, str]:
    """The environment of both."""
    return {
        "MLSTACK_REGISTRY": registry,
        "MLSTACK_IMAGE": image,
        "MLSTACK_CONTENT_TAG": content_tag,
        "MLSTACK_TAG": tag,
    }
