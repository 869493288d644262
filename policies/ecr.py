"""Image repositories."""

from collections.abc import Iterator

from pulumi_policy import Severity

from policies.documents import RESOURCE, statements
from policies.open_policy import open_to_everybody
from policies.rule import Case, rule

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"

_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html"


@rule(
    name="ecr-without-scan",
    refuses="Images that nobody scans carry known holes into every step",
    severity=Severity.HIGH,
    remedy="Set imageScanningConfiguration.scanOnPush, or declare a RegistryScanningConfiguration",
    url=f"{_HUB}#ecr-1",
    control="ECR.1",
    types=(REPOSITORY,),
    whole_stack=True,
)
def without_scan(case: Case) -> Iterator[str]:
    if case.value("imageScanningConfiguration", "scanOnPush") is True:
        return
    if not any(other.resource_type == SCANNING and other.props.get("rules") for other in case.stack):
        yield "images are not scanned"


@rule(
    name="ecr-mutable-tags",
    refuses="A tag that can be moved runs another image tomorrow under the name that was reviewed today",
    severity=Severity.MEDIUM,
    remedy="Set imageTagMutability to IMMUTABLE, or to IMMUTABLE_WITH_EXCLUSION with the few tags that ZenML moves",
    url=f"{_HUB}#ecr-2",
    control="ECR.2",
    types=(REPOSITORY,),
)
def mutable_tags(case: Case) -> Iterator[str]:
    mutability = case.value("imageTagMutability")
    excluded = [each.get("filter") for each in case.value("imageTagMutabilityExclusionFilters") or ()]
    if mutability not in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        yield f"tags are {mutability or 'MUTABLE'}"
    elif mutability == "IMMUTABLE_WITH_EXCLUSION" and "*" in excluded:
        yield "every tag is excluded from being immutable"


@rule(
    name="ecr-without-lifecycle",
    refuses="A repository in which nothing ever ends grows, and bills, for ever",
    severity=Severity.LOW,
    remedy="Add a LifecyclePolicy that expires untagged images",
    url=f"{_HUB}#ecr-3",
    control="ECR.3",
    types=(REPOSITORY,),
    whole_stack=True,
)
def without_lifecycle(case: Case) -> Iterator[str]:
    if not case.attached(LIFECYCLE, "repository", by="name"):
        yield "no lifecycle policy"


@rule(
    name="ecr-without-kms",
    refuses="Images under ECR's own key are readable by whoever may pull; a KMS key has a say of its own",
    severity=Severity.LOW,
    remedy="Set encryptionConfigurations to encryptionType KMS with the key's ARN; it cannot be changed later",
    url=f"{_HUB}#ecr-5",
    control="ECR.5",
    foundational=False,
    types=(REPOSITORY,),
)
def without_kms(case: Case) -> Iterator[str]:
    given = case.value("encryptionConfigurations") or ()
    if not any(str(each.get("encryptionType")).startswith("KMS") for each in given):
        yield "encrypted with AES256"


@rule(
    name="ecr-open-to-everybody",
    refuses="A repository policy that allows everybody gives away images, or takes them from anybody",
    severity=Severity.CRITICAL,
    remedy="Name the accounts or roles in Principal",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
    types=(POLICY,),
)
def repository_open(case: Case) -> Iterator[str]:
    yield from open_to_everybody(statements(case, RESOURCE))


RULES = (without_scan, mutable_tags, without_lifecycle, without_kms, repository_open)
