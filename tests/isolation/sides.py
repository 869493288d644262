"""Stacks as sides of a wall: what each may, what each has, and every request by which one could reach the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.configuration import load
from components.ml_stack import MLStackArgs
from components.names import Names
from components.settings import Settings
from components.stacks import Stacks
from mlstack.iam.evaluate import Answer, Identity, Resource, evaluate
from mlstack.iam.policy import Caller, Policy, Request
from tests.components.stacks import MINIMAL
from tests.recording import Recording, record

PURPOSES = ("access", "sagemaker", "scheduler", "codebuild", "flow-logs")
_KEY_OF_THE_ACCOUNT = (
    '{"Statement": {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "kms:*", '
    '"Resource": "*"}}'
)
_SERVICES = ("sagemaker.amazonaws.com", "codebuild.amazonaws.com", "scheduler.amazonaws.com")

Context = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One stack."""

    names: Names
    tags: Mapping[str, str]
    """On everything that it makes, and on its pipelines and jobs."""
    policies: Mapping[str, Policy]
    """What each of its roles, and its user, may."""
    buckets: Mapping[str, Policy | None]
    """With their policies: none where the bucket is one that exists, whose owner's says nothing here."""
    key: Policy
    key_arn: str
    key_alias: str
    network_tags: Mapping[str, str]

    def __str__(self) -> str:
        return self.names.base

    def actions(self, who: str) -> tuple[str, ...]:
        return tuple(sorted({each for one in self.policies[who].statements for each in one.actions if not one.denies}))

    def may(self, who: str, action: str, on: "Side") -> tuple[Request, ...]:
        """Requests on what `on` has that are allowed to `who`: a role, in a session without a policy of its own."""
        return tuple(
            request for request in on.requests(action, self._caller(who)) if self._answer(who, request, on).allowed
        )

    def _caller(self, who: str) -> Caller:
        names = self.names
        if who == "user":
            return Caller(account=names.account_id, arns=(names.user_arn("zenml"),))
        session = f"arn:{names.partition}:sts::{names.account_id}:assumed-role/{names.role(who)}/session"
        return Caller(account=names.account_id, arns=(session, names.role_arn(who)))

    def _answer(self, who: str, request: Request, on: "Side") -> Answer:
        identity = Identity(account=self.names.account_id, policies=(self.policies[who],))
        return evaluate(request, identity, on.policy_of(request))

    def policy_of(self, request: Request) -> Resource:
        """With what stands at the resource itself."""
        account, resource = self.names.account_id, request.resource
        if request.action.startswith("kms:"):
            return Resource(account=account, policy=self.key, decides_alone=True)
        if request.action.startswith("s3:"):
            bucket = resource.rpartition(":")[2].partition("/")[0]
            return Resource(account=account, policy=self.buckets.get(bucket))
        return Resource(account=account)

    def requests(self, action: str, caller: Caller) -> Iterator[Request]:
        """Every way in which the action can be asked for on what this side has."""
        service = action.partition(":")[0]
        about: dict[str, str | tuple[str, ...]] = {
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            "aws:PrincipalArn": caller.arns[-1],
            "aws:PrincipalAccount": self.names.account_id,
            "aws:ResourceAccount": self.names.account_id,
        }
        for resource, context in self._reachable(service):
            yield Request(action=action, resource=resource, caller=caller, context={**about, **context})

    def _reachable(self, service: str) -> Iterator[tuple[str, Context]]:
        names = self.names
        yield "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}
        ours = {f"aws:ResourceTag/{tag}": value for tag, value in self.tags.items()}
        if service == "s3":
            top = f"/{names.prefix}" if names.prefix else ""
            for bucket in self.buckets:
                for below in ("", f"{top}/x", f"{top}/sagemaker/x", f"{top}/code-build-contexts/x"):
                    yield f"arn:{names.partition}:s3:::{bucket}{below}", {}
        elif service == "kms":
            yield from self._key_uses()
        elif service == "ecr":
            yield names.repository_arn, {}
            yield names.arn("ecr", f"repository/{names.cache_prefix('ecr-public')}/docker/library/python"), {}
        elif service == "codebuild":
            yield names.build_project_arn, {}
        elif service == "logs":
            yield f"{names.build_log_group_arn}:log-stream:x", {}
            yield f"{names.build_log_group_arn}:*", {}
            yield f"{names.flow_log_group_arn}:log-stream:x", {}
            yield f"{names.arn('logs', 'log-group')}:x:log-stream:", {}
            yield f"{names.arn('logs', 'log-group:/aws/sagemaker/TrainingJobs')}:log-stream:{names.base}-job/x", {}
        elif service == "sagemaker":
            for tagging in ({}, {"sagemaker:TaggingAction": "CreateTrainingJob"}):
                # What is there has tags; what is being made has none yet, and is tagged in the same breath.
                tags = {} if tagging else ours
                yield names.arn("sagemaker", "pipeline/digits-1"), {**tags, **tagging}
                yield names.arn("sagemaker", "training-job/digits-1"), {**tags, **tagging}
            yield names.arn("sagemaker", "pipeline/digits-1/execution/abc"), {}
        elif service == "scheduler":
            yield names.arn("scheduler", "schedule/default/digits-1"), {}
        elif service == "iam":
            for purpose in PURPOSES:
                for to in _SERVICES:
                    yield names.role_arn(purpose), {"iam:PassedToService": to}
        elif service == "sts":
            yield names.role_arn("access"), {"sts:RoleSessionName": "zenml-connector-x"}
        elif service == "ec2":
            in_network = {f"aws:ResourceTag/{tag}": value for tag, value in self.network_tags.items()}
            for kind in ("subnet/subnet-1", "security-group/sg-1"):
                yield names.arn("ec2", kind), in_network
            for to in _SERVICES:
                yield names.arn("ec2", "network-interface/eni-1"), {"ec2:AuthorizedService": to}

    def _key_uses(self) -> Iterator[tuple[str, Context]]:
        names = self.names
        bucket = names.bucket_arn
        for via in ("s3", "ecr", "sagemaker", None):
            for encrypted in (bucket, f"{bucket}/{names.prefix or 'x'}/x", None):
                context: dict[str, str | tuple[str, ...]] = {
                    "kms:ResourceAliases": (self.key_alias,),
                    "kms:GrantIsForAWSResource": "true",
                }
                if via:
                    context["kms:ViaService"] = f"{via}.{names.region}.{names.dns_suffix}"
                if encrypted:
                    context["kms:EncryptionContext:aws:s3:arn"] = encrypted
                yield self.key_arn, context


def sides(changes: dict[str, str], *, environment: str = "dev") -> dict[str | None, Side]:
    """The stacks of one program, by team."""
    settings = load({**MINIMAL, **changes}, project="mlstack", environment=environment)
    recording = record(lambda: Stacks(settings))
    return {each.team: _side(settings, each, recording) for each in settings.stacks}


def _side(all_: Settings, own: Settings, recording: Recording) -> Side:
    args = MLStackArgs.from_settings(own)
    names, stack = args.names, all_.stack
    shares_key = bool(stack.teams) and (stack.sharing.key or stack.encryption.mode == "existing")
    shares_network = bool(stack.teams) and stack.sharing.network
    common = MLStackArgs.from_settings(all_)
    prefix = stack.name if own.team is None else f"{stack.name}-{own.team}"
    holder = f"{stack.name}-shared" if shares_key else prefix
    roles = {names.role(purpose): purpose for purpose in PURPOSES}
    policies, key = {}, Policy.parse(_KEY_OF_THE_ACCOUNT % names.account_arn)
    buckets: dict[str, Policy | None] = {names.existing.bucket: None} if names.existing.bucket else {}
    for each in recording.customs:
        if each.type.endswith(":RolePolicy") and each.inputs["role"] in roles:
            policies[roles[each.inputs["role"]]] = Policy.parse(each.inputs["policy"])
        elif each.type.endswith(":UserPolicy") and each.inputs["user"] == names.user("zenml"):
            policies["user"] = Policy.parse(each.inputs["policy"])
        elif each.type.endswith(":BucketPolicy") and each.inputs["bucket"] in (names.bucket, names.access_log_bucket):
            buckets[each.inputs["bucket"]] = Policy.parse(each.inputs["policy"])
        elif each.type.endswith(":Key") and each.name == f"{holder}-encryption-key":
            key = Policy.parse(each.inputs["policy"])
    return Side(
        names=names,
        tags={**args.tags},
        policies=policies,
        buckets=buckets,
        key=key,
        key_arn=stack.encryption.key_arn or names.arn("kms", f"key/{'shared' if shares_key else names.base}"),
        key_alias=common.names.key_alias if shares_key else names.key_alias,
        network_tags=common.tags if shares_network else args.tags,
    )
