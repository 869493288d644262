"""Tags, protection, outputs. None of these credentials ever opened anything."""

import json
from typing import Any

from policies.secret_marks import SecretText
from tests.policies.samples.sample import passes, refused
from tests.policies.shown import Given

TAGS = "stack-missing-tags"
PROTECTED = "stack-unprotected-data"
OUTPUT = "stack-secret-in-output"
BUCKET = "aws:s3/bucket:Bucket"
OURS = {"mlstack:project": "mlstack", "mlstack:environment": "dev"}
TYPES = {"types": [BUCKET]}
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ZENML_KEY = "ZENKEY_eyJpZCI6ICJ"
KEY_BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMII"


def outputs(**given: Any) -> Given:
    return Given("pulumi:pulumi:Stack", given, name="stack")


ACCESS_KEY = Given("aws:iam/accessKey:AccessKey", {"secret": SecretText("Zq8-made-up-secret")}, name="key")

SAMPLES = (
    refused(TAGS, "none", Given(BUCKET, {}), says="no tag mlstack:environment, mlstack:project"),
    refused(TAGS, "one of two", Given(BUCKET, {"tags": {"mlstack:project": "p"}}), says="no tag mlstack:environment"),
    passes(TAGS, "both", Given(BUCKET, {"tags": OURS})),
    passes(TAGS, "from the provider's default tags", Given(BUCKET, {"tagsAll": OURS})),
    passes(TAGS, "a type that has none", Given("aws:s3/bucketPolicy:BucketPolicy", {})),
    passes(
        TAGS, "what the configuration asks for", Given(BUCKET, {"tags": {"team": "x"}}), config={"required": ["team"]}
    ),
    refused(PROTECTED, "a bucket", Given(BUCKET, {}), says="not protected", config=TYPES),
    passes(PROTECTED, "a protected bucket", Given(BUCKET, {}, protect=True), config=TYPES),
    passes(PROTECTED, "another type", Given("aws:iam/role:Role", {}), config=TYPES),
    passes(PROTECTED, "nothing asked for", Given(BUCKET, {})),
    refused(OUTPUT, "a secret key of AWS", outputs(note=f"use {AWS_KEY}"), says="note looks like a secret access key"),
    refused(OUTPUT, "an API key of ZenML", outputs(zenml=[ZENML_KEY]), says="zenml[0] looks like a ZenML API key"),
    refused(OUTPUT, "a private key", outputs(pem=KEY_BLOCK), says="pem looks like a private key"),
    refused(
        OUTPUT, "inside a document", outputs(mlstack=json.dumps({"a": {"k": ZENML_KEY}})), says="mlstack.a.k looks"
    ),
    refused(
        OUTPUT, "what its name calls a secret", outputs(db_password="hunter2"), says="db_password is called a secret"
    ),
    refused(
        OUTPUT,
        "what another resource marks as secret",
        ACCESS_KEY,
        outputs(login="me:Zq8-made-up-secret"),
        says="login holds what is marked as secret",
    ),
    refused(
        OUTPUT,
        "in a component",
        Given("mlstack:index:Registry", {"token": "made-up"}, name="registry"),
        says="token is called a secret",
    ),
    passes(OUTPUT, "a secret that is exported as one", ACCESS_KEY, outputs(key=SecretText(AWS_KEY))),
    passes(OUTPUT, "where the secret is", outputs(secret_arn="arn:aws:secretsmanager:eu-west-1:1:secret:a")),
    passes(OUTPUT, "a commit", outputs(commit="a94a8fe5ccb19ba61c4c0873d391e987982fbbd3")),
    passes(OUTPUT, "what a provider's resource answers", Given("aws:iam/accessKey:AccessKey", {"secret": AWS_KEY})),
)
