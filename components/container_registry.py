"""The ECR repository behind ZenML's container registry."""

import json
from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.ecr import LifecyclePolicy, RegistryScanningConfiguration, Repository
from pydantic import JsonValue

from components.after import after
from components.encryption_key import EncryptionKey
from components.flavors import configured
from components.iam import Statement
from components.names import Names
from mlstack.contract import Component

# ZenML pushes these tags again on every build (zenml/pipelines/build_utils.py); every other tag is written once.
PUSHED_AGAIN = ("*-orchestrator", "*-sagemaker_step_operator")

# mlstack/images/builder/publish.py. They are counted apart: pipelines' images would soon push one out that builds need.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
_BUILDERS = "mlstack-builder-*"
_BUILDERS_KEPT = 10

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


@dataclass(frozen=True, kw_only=True)
class ContainerRegistryArgs:
    names: Names
    key: EncryptionKey | None = None
    """Encrypts the images; changing it replaces the repository. Without it ECR's own key does."""
    untagged_image_days: int = 14
    """Days after which images without a tag are deleted."""
    tagged_image_count: int = 500
    """How many tagged images are kept, newest first."""
    enhanced_scanning: bool = False
    """Amazon Inspector scans this repository continuously. A setting of the account's whole registry."""
    force_delete: bool = False
    """Delete the images together with the repository on `pulumi destroy`. Not recoverable."""
    keep: frozenset[str] = frozenset()
    """What an adopted repository keeps as it was found (`mlstack:keep`)."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's aws container registry."""
    tags: dict[str, str] = field(default_factory=dict)


class ContainerRegistry(ComponentResource):
    """Repository for pipeline images: scanned on push, encrypted, tags written once but for those that ZenML moves.

    An existing one is used as it is.
    """

    repository_url: Output[str]
    """`<account>.dkr.ecr.<region>.amazonaws.com/<repository>`."""

    def __init__(self, name: str, args: ContainerRegistryArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:ContainerRegistry", name, {}, opts)
        self._args = args
        made = () if args.names.existing.repository else (self._make(name).name,)
        self.repository_url = after(f"{args.names.registry_host}/{args.names.repository}", *made)
        self.register_outputs({"repository_url": self.repository_url})

    def _make(self, name: str) -> Repository:
        args, mine = self._args, ResourceOptions(parent=self)
        repository = Repository(
            f"{name}-repository",
            name=args.names.repository,
            image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
            image_tag_mutability_exclusion_filters=[
                {"filter": pattern, "filter_type": "WILDCARD"} for pattern in PUSHED_AGAIN
            ],
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[
                {"encryption_type": "KMS", "kms_key": args.key.arn} if args.key else {"encryption_type": "AES256"}
            ],
            force_delete=args.force_delete,
            tags=args.tags,
            opts=ResourceOptions(parent=self, ignore_changes=_kept(args.keep)),
        )
        if "image-lifecycle" not in args.keep:
            # AWS replaces it for every change. It holds nothing, so it is not protected. A repository has one: the old
            # one goes first, for deleted last it would take the new one along.
            replaced = ResourceOptions(parent=self, protect=False, delete_before_replace=True)
            LifecyclePolicy(f"{name}-lifecycle", repository=repository.name, policy=self._lifecycle(), opts=replaced)
        if args.enhanced_scanning:
            RegistryScanningConfiguration(
                f"{name}-scanning",
                scan_type="ENHANCED",
                rules=[
                    {
                        "scan_frequency": "CONTINUOUS_SCAN",
                        "repository_filters": [{"filter": args.names.repository, "filter_type": "WILDCARD"}],
                    }
                ],
                opts=mine,
            )
        return repository

    def _lifecycle(self) -> str:
        untagged = {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": self._args.untagged_image_days,
        }
        builders, tagged = (
            {
                "tagStatus": "tagged",
                "tagPatternList": [pattern],
                "countType": "imageCountMoreThan",
                "countNumber": count,
            }
            for pattern, count in ((_BUILDERS, _BUILDERS_KEPT), ("*", self._args.tagged_image_count))
        )
        rules = [
            {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}
            for priority, selection in enumerate((untagged, builders, tagged), start=1)
        ]
        return json.dumps({"rules": rules}, separators=(",", ":"))

    def zenml_component(self, stack_name: str) -> Component:
        """How ZenML is to use this repository."""
        names = self._args.names
        return Component(
            name=stack_name,
            flavor="aws",
            configuration=configured(
                {"uri": names.registry_host, "default_repository": names.repository}, self._args.configuration
            ),
            connector="ecr" if has_connector(self._args.names) else None,
        )


def has_connector(names: Names) -> bool:
    """Not in China: ZenML's connector takes no registry whose host ends in amazonaws.com.cn.

    There images are built by CodeBuild, which logs in as its own role, and pulled by SageMaker's.
    """
    return names.partition != "aws-cn"


def grant_find(names: Names) -> tuple[Statement, ...]:
    """What ZenML needs to log in and to see that the repository is there."""
    return (
        _log_in(),
        Statement(
            sid="RegistryFind",
            actions=("ecr:DescribeRepositories",),
            resources=(names.arn("ecr", "repository/*"),),
            why="ZenML lists all repositories without naming one, and a connector is invalid when that fails",
            source="zenml/integrations/aws/container_registries/aws_container_registry.py",
        ),
    )


def grant_look(names: Names) -> tuple[Statement, ...]:
    """What `mlstack image build` needs to see which images there are, and what ECR's scan found in them."""
    return (
        Statement(
            sid="RegistryImages",
            actions=("ecr:DescribeImageScanFindings", "ecr:DescribeImages"),
            resources=(names.repository_arn,),
            why="the same content is built once, and a build ends with its digest and what the scan found",
            source="mlstack/images/registry.py",
        ),
    )


def grant_pull(names: Names) -> tuple[Statement, ...]:
    """What a job needs to start from an image of this repository."""
    return (_log_in(), _repository(names, "RegistryPull", _PULL, "every step runs in an image from here"))


def grant_push(names: Names) -> tuple[Statement, ...]:
    """What building an image needs: pushing, and pulling layers to build upon."""
    actions = tuple(sorted((*_PULL, *_PUSH)))
    return (_log_in(), _repository(names, "RegistryPush", actions, "docker push uploads the missing layers"))


def _log_in() -> Statement:
    return Statement(
        sid="RegistryLogIn",
        actions=("ecr:GetAuthorizationToken",),
        resources=("*",),
        why="ecr:GetAuthorizationToken knows no resource-level permission",
        source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_id-based-policy-examples.html",
    )


def _repository(names: Names, sid: str, actions: tuple[str, ...], why: str) -> Statement:
    return Statement(
        sid=sid,
        actions=actions,
        resources=(names.repository_arn,),
        why=why,
        source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html",
    )


_KEPT = {
    "image-encryption": ("encryptionConfigurations",),
    "image-scanning": ("imageScanningConfiguration",),
    "tag-mutability": ("imageTagMutability", "imageTagMutabilityExclusionFilters"),
}


def _kept(keep: frozenset[str]) -> list[str]:
    return [name for what, names in _KEPT.items() if what in keep for name in names]
