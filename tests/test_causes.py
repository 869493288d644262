"""What AWS refuses, as people read it."""

import pytest

from mlstack.causes import cause


def test_what_the_plugin_puts_around_it_is_gone() -> None:
    said = (
        "1 error occurred:\n\t* creating urn: sdk-v2/provider2.go:572: sdk.helper_schema: creating ECR Repository (x): "
        "RepositoryAlreadyExistsException: it exists provider=aws@7.51.1"
    )
    first, way_out = cause(said).split("\n")
    assert first == "creating urn: creating ECR Repository (x): RepositoryAlreadyExistsException: it exists"
    assert "pulumi import" in way_out


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("operation error IAM: CreateRole, AccessDenied: User: arn:aws:iam::1:user/x is not authorized", "that right"),
        ("ExpiredToken: The security token included in the request is expired", "log in to AWS again"),
        ("BucketNotEmpty: The bucket you tried to delete is not empty", "artifactStoreForceDestroy"),
        ("error: the stack is currently locked by 1 lock(s)", "mlstack backend unlock"),
        ("error: incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE"),
    ],
)
def test_where_a_way_out_is_known_it_is_said(said: str, way_out: str) -> None:
    assert way_out in cause(said)


def test_what_the_program_says_of_a_setting_stays_as_it_is() -> None:
    said = "Pulumi.dev.yaml: 1 setting is wrong; nothing was touched\n  aws:region is 'x': use a region code"
    assert cause(said) == said
