"""What docker, BuildKit, buildah, ECR and CodeBuild say when a build fails, and what is made of their words."""

import pytest

from mlstack.images.causes import build_failed, relevant


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (
            "denied: User: arn:aws:sts::123456789012:assumed-role/b/AWSCodeBuild-1 is not authorized to perform: "
            "ecr:InitiateLayerUpload on resource: arn:aws:ecr:eu-west-1:123456789012:repository/r because no "
            "identity-based policy allows the ecr:InitiateLayerUpload action",
            "permission",
        ),
        ("no basic auth credentials", "permission"),
        ("Error: trying to reuse blob sha256:1 at destination: unauthorized: authentication required", "permission"),
        (
            "tag invalid: The image tag 'v1' already exists in the 'r' repository and cannot be overwritten because "
            "the tag is immutable.",
            "tag",
        ),
        ("An error occurred (ImageTagAlreadyExistsException) when calling the PutImage operation", "tag"),
        ("write /var/lib/docker/tmp/x: no space left on device", "space"),
        ("toomanyrequests: You have reached your unauthenticated pull rate limit.", "rate limit"),
        ("ERROR: failed to solve: x:1: failed to resolve source metadata for x:1: not found", "base image"),
        ("manifest for 1.dkr.ecr.eu-west-1.amazonaws.com/r:x not found: manifest unknown", "base image"),
        ("pull access denied for private/thing, repository does not exist or may require 'docker login'", "base image"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "daemon"),
        ("dial tcp 1.2.3.4:443: i/o timeout", "network"),
        ("WARNING: Retrying: Temporary failure in name resolution", "network"),
        ("ERROR: failed to solve: dockerfile parse error on line 3: unknown instruction: FRMO", "Dockerfile"),
        ('ERROR: failed to compute cache key: "/nowhere.txt": not found', "missing file"),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat x: no such file",
            "missing file",
        ),
        ('ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1', "command"),
        ("The command '/bin/sh -c false' returned a non-zero code: 1", "command"),
    ],
)
def test_a_cause_is_recognised_in_the_words_of_whoever_names_it(line: str, kind: str) -> None:
    failed = build_failed("FAILED", ["Error while executing command. Reason: exit status 1"], [line], build="b:1")
    assert failed.kind == kind
    assert line in str(failed)
    assert failed.hint


def test_what_is_not_known_ends_with_what_codebuild_says_and_the_end_of_the_log() -> None:
    failed = build_failed("FAULT", ["something within CodeBuild"], ["first", "last"], build="b:1")
    assert failed.kind == "unknown"
    assert "something within CodeBuild" in str(failed)
    assert "| last" in str(failed)


def test_a_timeout_and_a_stop_are_named_whatever_the_log_holds() -> None:
    assert build_failed("TIMED_OUT", [], ["exit code: 1"], minutes=7, build="b:1").kind == "timeout"
    assert build_failed("STOPPED", [], ["exit code: 1"], build="b:1").kind == "stopped"


def test_the_lines_that_tell_are_shown_even_when_the_end_says_nothing() -> None:
    lines = ["error: the reason", *[f"layer {number}" for number in range(50)]]
    shown = relevant(lines)
    assert shown[0] == "error: the reason"
    assert shown[-1] == "layer 49"
    assert len(shown) < 20
