"""Makes moto's CloudFormation create what ZenML's own template has and moto lacks.

moto 5.2 knows no CodeBuild project in a template, and leaves out the managed policies of a role and the policies of a
user. Imported with the first request for CloudFormation: all of moto comes with it.
"""

import json
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.codebuild.models import codebuild_backends
from moto.core.common_models import CloudFormationModel
from moto.iam.models import Role, User, iam_backends
from moto.utilities.utils import get_partition

_OF_THE_STACK = ("DeletionPolicy", "UpdateReplacePolicy", "Metadata")


class Project(CloudFormationModel):  # type: ignore[misc]
    """A CodeBuild project of a template. Found by moto among the subclasses."""

    def __init__(self, name: str, arn: str) -> None:
        self._name = name
        self._arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self._name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CodeBuild::Project"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_more: Any
    ) -> "Project":
        asked = cloudformation_json["Properties"]
        logs = (asked.get("LogsConfig") or {}).get("CloudWatchLogs")
        made = codebuild_backends[account_id][region_name].create_project(
            project_name=resource_name,
            description=asked.get("Description"),
            project_source=_lowered(asked["Source"]),
            artifacts=_lowered(asked["Artifacts"]),
            environment=_lowered(asked["Environment"]),
            service_role=asked["ServiceRole"],
            tags=None,
            cache=None,
            timeout=int(asked.get("TimeoutInMinutes", 60)),
            queued_timeout=480,
            source_version=None,
            logs_config={"cloudWatchLogs": _lowered(logs)} if logs else None,
            vpc_config=None,
        )
        return cls(resource_name, made["arn"])

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, _template: Any, account_id: str, region_name: str
    ) -> None:
        codebuild_backends[account_id][region_name].delete_project(resource_name)


def mend_cloudformation() -> None:
    """Patches moto in this process."""
    create_user = User.create_from_cloudformation_json.__func__
    create_role = Role.create_from_cloudformation_json.__func__
    parameters = CloudFormationBackend._resolve_update_parameters
    diff = ResourceMap.build_resource_diff

    def create_with_managed(
        cls: type[Role], /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
    ) -> Any:
        asked = dict(cloudformation_json["Properties"])
        # As text, which is what IAM answers with; an entry that a condition leaves out is none.
        asked["Policies"] = [
            {**policy, "PolicyDocument": json.dumps(policy["PolicyDocument"])}
            for policy in asked.get("Policies", ())
            if isinstance(policy, dict)
        ]
        role = create_role(cls, resource_name, {"Properties": asked}, account_id, region_name, **more)
        backend = iam_backends[account_id][get_partition(region_name)]
        for arn in cloudformation_json["Properties"].get("ManagedPolicyArns", ()):
            backend.attach_role_policy(arn, role.name)
        return role

    def create_with_policies(
        cls: type[User], /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
    ) -> Any:
        user = create_user(cls, resource_name, cloudformation_json, account_id, region_name, **more)
        for policy in cloudformation_json.get("Properties", {}).get("Policies", ()):
            user.put_policy(policy["PolicyName"], json.dumps(policy["PolicyDocument"]))
        return user

    def diff_of_resources(self: ResourceMap, other_template: Any, parameters: Any = None) -> Any:
        """Whether a resource is retained is a matter of the stack: to the resource itself nothing happens."""
        found = diff(self, other_template, parameters)
        old, new = self._resource_json_map, other_template["Resources"]
        same = [each for each in found["Modify"] if _of_the_resource(old[each]) == _of_the_resource(new[each])]
        return {**found, "Modify": [each for each in found["Modify"] if each not in same]}

    def resolve(self: CloudFormationBackend, instance: Any, incoming_params: Any) -> Any:
        """The previous value of a parameter that was left to its default is that default."""
        defaults = instance.stack_parameters if isinstance(instance, Stack) else {}
        instance.parameters = {**defaults, **instance.parameters}
        return parameters(self, instance, incoming_params)

    # What a condition leaves out is no resource of the stack.
    Stack.stack_resources = property(lambda self: [each for each in self.resource_map.values() if each is not None])
    CloudFormationBackend._resolve_update_parameters = resolve
    ResourceMap.build_resource_diff = diff_of_resources
    User.create_from_cloudformation_json = classmethod(create_with_policies)
    Role.create_from_cloudformation_json = classmethod(create_with_managed)


def _of_the_resource(declared: Any) -> dict[str, Any]:
    return {key: value for key, value in declared.items() if key not in _OF_THE_STACK}


def _lowered(given: Any) -> dict[str, Any]:
    """A template's keys as the API's."""
    return {key[0].lower() + key[1:]: value for key, value in given.items()}
