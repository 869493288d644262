"""What a stack lets whom do: all its policies as they would reach AWS, read from what the program registers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from components.ml_stack import MLStackArgs
from components.names import Names
from components.settings import Settings
from mlstack.iam.policy import Policy
from tests.components.stacks import CASES, program, settings
from tests.recording import COMPUTED, Recording, record

PURPOSES = ("access", "sagemaker", "scheduler", "codebuild", "flow-logs")


@dataclass(frozen=True, kw_only=True)
class Granted:
    """The policies of one stack, by whose or what they are."""

    names: Names
    settings: Settings
    principal: str
    """ZenML's own identity."""
    user: Policy | None
    """What it may, when it is a user of the stack."""
    roles: Mapping[str, Policy]
    trusts: Mapping[str, Policy]
    sessions: Mapping[str, Policy | None]
    """Session policies by connector; None where the connector hands over none."""
    buckets: Mapping[str, Policy]
    key: Policy | None
    endpoints: Mapping[str, Policy]
    """Of the isolated network, by service."""

    @property
    def parts(self) -> frozenset[str]:
        """What the stack has, as far as it decides which calls are made."""
        stack = self.settings.stack
        sagemaker = "sagemaker" in self.roles
        has = {
            "registry": stack.container_registry,
            "orchestrator": "scheduler" in self.roles,
            "step operator": sagemaker and stack.step_operator,
            "sagemaker": sagemaker,
            "image builder": "codebuild" in self.roles,
            "no image builder": stack.container_registry and "codebuild" not in self.roles,
            "connectors": stack.connector.has_role,
            "user": self.user is not None,
            "own credentials": not stack.connector.has_role,
            "encrypted": stack.encryption.mode != "aws-managed",
            "own key": self.key is not None,
            "network": stack.network.mode != "public",
            "isolated": stack.network.mode == "isolated",
            "log bucket": stack.access_logs.mode == "create",
        }
        cached = (f"cache of {each.registry}" for each in stack.pull_through_cache.upstreams)
        return frozenset((*(part for part, there in has.items() if there), *cached))

    @property
    def key_arn(self) -> str | None:
        encryption = self.settings.stack.encryption
        if encryption.mode == "aws-managed":
            return None
        return encryption.key_arn or self.names.arn("kms", f"key/{COMPUTED['aws:kms/key:Key']['keyId']}")

    def documents(self) -> dict[str, Policy]:
        """All of them, with a name to tell them by."""
        named = {f"the {purpose} role": policy for purpose, policy in self.roles.items()}
        named |= {"the user": self.user} if self.user else {}
        named |= {f"the trust of the {purpose} role": policy for purpose, policy in self.trusts.items()}
        named |= {f"the session of connector {kind}": policy for kind, policy in self.sessions.items() if policy}
        named |= {f"bucket {name}": policy for name, policy in self.buckets.items()}
        named |= {f"endpoint {service}": policy for service, policy in self.endpoints.items()}
        return named | ({"the key": self.key} if self.key else {})


@cache
def granted(case: str) -> Granted:
    """The policies of a stack of `CASES`."""
    return _read(settings(CASES[case]), record(program(CASES[case])))


def _read(asked: Settings, recording: Recording) -> Granted:
    names = MLStackArgs.from_settings(asked).names
    by_name = {names.role(purpose): purpose for purpose in PURPOSES}
    custom: dict[str, list[Mapping[str, str]]] = {}
    for resource in recording.customs:
        custom.setdefault(resource.type, []).append(resource.inputs)
    trusts = {by_name[each["name"]]: Policy.parse(each["assumeRolePolicy"]) for each in custom["aws:iam/role:Role"]}
    contract = json.loads(recording.of("MLStack").outputs[0]["contract"])
    return Granted(
        names=names,
        settings=asked,
        principal=contract["principal"] or "",
        user=next((Policy.parse(each["policy"]) for each in custom.get("aws:iam/userPolicy:UserPolicy", ())), None),
        roles={by_name[each["role"]]: Policy.parse(each["policy"]) for each in custom["aws:iam/rolePolicy:RolePolicy"]},
        trusts=trusts,
        sessions={
            kind: Policy.parse(document) if (document := connector["configuration"].get("policy")) else None
            for kind, connector in contract["connectors"].items()
        },
        buckets={each["bucket"]: Policy.parse(each["policy"]) for each in custom["aws:s3/bucketPolicy:BucketPolicy"]},
        key=Policy.parse(custom["aws:kms/key:Key"][0]["policy"]) if "aws:kms/key:Key" in custom else None,
        endpoints={
            each["serviceName"].removeprefix(f"com.amazonaws.{names.region}."): Policy.parse(each["policy"])
            for each in custom.get("aws:ec2/vpcEndpoint:VpcEndpoint", ())
        },
    )
