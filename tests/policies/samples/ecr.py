"""Image repositories."""

from typing import Any

from policies import ecr
from tests.policies.samples.sample import passes, policy, refused
from tests.policies.shown import UNKNOWN, Given


def repository(**props: Any) -> Given:
    return Given(ecr.REPOSITORY, {"name": "ours", **props}, name="repository")


SCAN = "ecr-without-scan"
MUTABLE = "ecr-mutable-tags"
LIFECYCLE = "ecr-without-lifecycle"
KMS = "ecr-without-kms"
OPEN = "ecr-open-to-everybody"
PULL = "ecr:BatchGetImage"

SAMPLES = (
    refused(SCAN, "nothing said", repository(), says="not scanned"),
    refused(SCAN, "off", repository(imageScanningConfiguration={"scanOnPush": False}), says="not scanned"),
    passes(SCAN, "on push", repository(imageScanningConfiguration={"scanOnPush": True})),
    passes(
        SCAN,
        "by the registry",
        repository(),
        Given(ecr.SCANNING, {"rules": [{"scanFrequency": "CONTINUOUS_SCAN"}]}, name="scanning"),
    ),
    refused(MUTABLE, "nothing said", repository(), says="tags are MUTABLE"),
    refused(
        MUTABLE,
        "everything excluded",
        repository(
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filter": "*", "filterType": "WILDCARD"}],
        ),
        says="every tag is excluded",
    ),
    passes(MUTABLE, "immutable", repository(imageTagMutability="IMMUTABLE")),
    passes(
        MUTABLE,
        "immutable but for those that ZenML moves",
        repository(
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filter": "*-orchestrator", "filterType": "WILDCARD"}],
        ),
    ),
    refused(LIFECYCLE, "none", repository(), says="no lifecycle policy"),
    passes(LIFECYCLE, "one", repository(), Given(ecr.LIFECYCLE, {"repository": "ours"}, name="lifecycle")),
    passes(
        LIFECYCLE,
        "one, computed from the repository",
        repository(),
        Given(ecr.LIFECYCLE, {"repository": UNKNOWN}, name="l", computed_from={"repository": "repository"}),
    ),
    refused(KMS, "nothing said", repository(), says="AES256"),
    passes(KMS, "a key", repository(encryptionConfigurations=[{"encryptionType": "KMS"}])),
    refused(
        OPEN,
        "everybody pulls",
        Given(ecr.POLICY, {"policy": policy({"Principal": "*", "Action": PULL})}),
        says="allows everybody",
    ),
    passes(
        OPEN,
        "an account pulls",
        Given(ecr.POLICY, {"policy": policy({"Principal": {"AWS": "123456789012"}, "Action": PULL})}),
    ),
)
