"""Puts a call to all the policies of a stack that have a say in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlstack.iam.evaluate import Answer, Identity, Resource, evaluate, evaluate_service
from mlstack.iam.policy import Caller, Decision, Policy, Request
from tests.least_privilege.calls import Call
from tests.least_privilege.granted import PURPOSES, Granted
from tests.least_privilege.identities import identity_of
from tests.least_privilege.operations import OPERATIONS, Right

_NO_ENDPOINT = Policy(())
_ENDPOINTS = {
    "s3": ("s3",),
    "sagemaker": ("sagemaker.api",),
    "ecr": ("ecr.api", "ecr.dkr"),
    "logs": ("logs",),
    "sts": ("sts",),
}
_VARYING = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "sha1": "0" * 40,
    "hex8": "0" * 8,
    "pipeline": "digits-" + "0" * 32,
    "execution": "abcdefghijkl",
    "job": "digits-train-ab1c",
    "step": "train",
    "output": "model",
    "file": "artifact.pkl",
}
_UNSAID = {
    "GroupName": "default",
    "repositoryName": "*",
    "logGroupName": "",
    "logStreamName": "",
    "NetworkInterfaceId": "eni-0123456789abcdef0",
    "AwsService": "",
    "SubnetId": "subnet-0123456789abcdef0",
    "GroupId": "sg-0123456789abcdef0",
    "RoleSessionName": "service",
}
"""What AWS takes when the call does not say."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One right that a call needs, with all who decide."""

    call: Call
    request: Request
    identity: Identity | None
    """None: a service asks on its own behalf."""
    resource: Resource
    endpoints: tuple[Policy, ...] = ()
    of_everybody: bool = False

    def answer(self) -> Answer:
        for endpoint in self.endpoints:
            if endpoint.decide(self.request).decision is not Decision.ALLOW:
                return Answer(allowed=False, why="the endpoint of the isolated network does not let it through")
        if self.of_everybody:
            return Answer(allowed=True, why="nobody needs to be granted it")
        if self.identity is None:
            return evaluate_service(self.request, self.resource)
        return evaluate(self.request, self.identity, self.resource)

    def policies(self) -> tuple[Policy, ...]:
        """All that may hold a grant for it."""
        own = (*self.identity.policies, self.identity.session) if self.identity else ()
        return tuple(each for each in (*own, self.resource.policy, *self.endpoints) if each)


class Asking:
    """The policies of one stack, ready for any number of calls."""

    def __init__(self, granted: Granted) -> None:
        self._granted = granted
        names = granted.names
        self._texts = {
            **_VARYING,
            "partition": names.partition,
            "region": names.region,
            "account": names.account_id,
            "dns_suffix": names.dns_suffix,
            "bucket": names.bucket,
            "access_log_bucket": names.access_log_bucket,
            "repository": names.repository,
            "from_ecr_public": f"{names.cache_prefix('ecr-public')}/docker/library/python",
            "from_docker_hub": f"{names.cache_prefix('docker-hub')}/pytorch/pytorch",
            "project": names.build_project,
            "flow_log_group": names.flow_log_group,
            "key": granted.key_arn or "",
            **{f"role_arn_{each}": names.role_arn(each) for each in (*PURPOSES, "of-somebody-else")},
        }

    def rights(self, call: Call) -> Iterator[Asked]:
        """Each right that the call needs in this stack."""
        parameters = {**_UNSAID, **{name: self._fill(value) for name, value in call.parameters.items()}}
        for right in OPERATIONS[call.operation].rights:
            if right.only_with is not None and right.only_with not in call.parameters:
                continue
            asked = self._asked(call, right, parameters)
            yield asked
            if right.key_action and self._encrypts(parameters):
                yield self._with_the_key(asked, right.key_action, parameters)

    def allowed(self, call: Call) -> Answer:
        """Whether all of it is allowed; the first refusal otherwise."""
        for asked in self.rights(call):
            answer = asked.answer()
            if not answer.allowed:
                return replace(answer, why=f"{asked.request.action} on {asked.request.resource}: {answer.why}")
        return Answer(allowed=True, why="every right that it needs is granted")

    def _asked(self, call: Call, right: Right, parameters: dict[str, str]) -> Asked:
        caller, identity = identity_of(self._fill(call.who), self._granted)
        resource = _filled(right.on, {**self._texts, **parameters})
        service = right.action.partition(":")[0]
        context = {
            "aws:SecureTransport": parameters.get("SecureTransport", "true"),
            "s3:TlsVersion": parameters.get("TlsVersion", "1.3"),
            **{key: _filled(value, {**self._texts, **parameters}) for key, value in right.context.items()},
            **self._headers(parameters),
            **self._about(caller, resource, parameters),
        }
        request = Request(action=right.action, resource=resource, caller=caller, context=context)
        # Rights at other services, such as iam:PassRole, are asked for behind the endpoint.
        through = self._endpoints(service) if call.inside and call.operation.startswith(f"{service}:") else ()
        return Asked(
            call=call,
            request=request,
            identity=identity,
            resource=self._resource(service, resource, parameters),
            endpoints=through,
            of_everybody=right.of_everybody,
        )

    def _about(self, caller: Caller, resource: str, parameters: dict[str, str]) -> dict[str, str | tuple[str, ...]]:
        """What AWS adds to each request by itself."""
        granted, names = self._granted, self._granted.names
        about: dict[str, str | tuple[str, ...]] = {}
        if caller.service:
            about["aws:SourceAccount"] = parameters.get("SourceAccount", names.account_id)
            about["aws:SourceArn"] = parameters.get("SourceArn", "")
            about["kms:EncryptionContext:aws:logs:arn"] = parameters.get("LogGroupArn", "")
        else:
            about["aws:PrincipalArn"] = caller.arns[-1]
            about["aws:PrincipalAccount"] = caller.account or ""
            about["aws:ResourceAccount"] = parameters.get("ResourceAccount", names.account_id)
        if "ViaService" in parameters:
            about["kms:ViaService"] = f"{parameters['ViaService']}.{names.region}.{names.dns_suffix}"
        if resource == granted.key_arn:
            about["kms:ResourceAliases"] = (names.key_alias,)
        # Subnets and security groups of the network that the stack makes carry its tags; a new interface has none.
        if "isolated" in granted.parts and resource.split(":")[-1].startswith(("subnet/", "security-group/")):
            tags = {"mlstack:environment": names.environment, "mlstack:project": granted.settings.project}
            about |= {f"aws:ResourceTag/{tag}": value for tag, value in tags.items() if "Untagged" not in parameters}
        return about

    @staticmethod
    def _headers(parameters: dict[str, str]) -> dict[str, str]:
        headers = {
            "s3:x-amz-server-side-encryption": parameters.get("ServerSideEncryption"),
            "s3:x-amz-server-side-encryption-aws-kms-key-id": parameters.get("SSEKMSKeyId"),
        }
        return {key: value for key, value in headers.items() if value}

    def _resource(self, service: str, arn: str, parameters: dict[str, str]) -> Resource:
        granted, account = self._granted, self._granted.names.account_id
        if service == "s3" and parameters.get("Bucket"):
            return Resource(account=account, policy=granted.buckets.get(parameters["Bucket"]))
        if service == "sts":
            trusts = {granted.names.role_arn(purpose): trust for purpose, trust in granted.trusts.items()}
            return Resource(account=account, policy=trusts.get(arn), decides_alone=True)
        if service == "kms":
            # The policy of a key that is there already is its owner's; the usual one hands over to IAM.
            handed_over = Policy.parse(_KEY_OF_THE_ACCOUNT % granted.names.account_arn)
            return Resource(account=account, policy=granted.key or handed_over, decides_alone=True)
        return Resource(account=account)

    def _endpoints(self, service: str) -> tuple[Policy, ...]:
        """Through which a call from inside goes. A service without one is out of reach: nothing lets it through."""
        if not self._granted.endpoints:
            return ()
        return tuple(self._granted.endpoints.get(name, _NO_ENDPOINT) for name in _ENDPOINTS[service])

    def _encrypts(self, parameters: dict[str, str]) -> bool:
        return self._granted.key_arn is not None and parameters.get("Bucket") == self._granted.names.bucket

    def _with_the_key(self, asked: Asked, action: str, parameters: dict[str, str]) -> Asked:
        """What S3 does in the name of the caller; not through the network's endpoint."""
        names, ours = self._granted.names, self._granted.key_arn or ""
        key = parameters.get("SSEKMSKeyId", ours)
        context = {
            **asked.request.context,
            "kms:ViaService": f"s3.{names.region}.{names.dns_suffix}",
            "kms:ResourceAliases": (names.key_alias if key == ours else "alias/another",),
        }
        return replace(
            asked,
            request=replace(asked.request, action=action, resource=key, context=context),
            resource=self._resource("kms", key, {}),
            endpoints=(),
        )

    def _fill(self, text: str) -> str:
        return _filled(text, self._texts)


_KEY_OF_THE_ACCOUNT = (
    '{"Statement": {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "kms:*", '
    '"Resource": "*"}}'
)


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    assert "{" not in text, f"{text}: nothing is known to put there"
    return text
