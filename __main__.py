"""The program that `pulumi up` runs: settings, one MLStack, outputs."""

import pulumi

from components.configuration import from_pulumi
from components.existing import check_existing
from components.ml_stack import MLStack, MLStackArgs
from mlstack.registration.automatic import Registration, leave_registered

settings = from_pulumi()
args = MLStackArgs.from_settings(settings)
# Before anything is declared: nothing is half made when what is there already will not do.
check_existing(args.rights, settings.aws.profile)
stack = MLStack(settings.stack.name, args)

# For `mlstack register`: everything ZenML needs, in one versioned document.
pulumi.export("mlstack", stack.contract)

# For `mlstack register` too: the key of the user that ZenML works as, secret. Only with connector.auth: iam-role.
pulumi.export("connector_key", stack.connector_key)

if settings.stack.registration == "automatic":
    Registration(stack.contract, stack.connector_key, after=stack)
else:
    leave_registered()

# For people and for StackReference.
pulumi.export("bucket", stack.bucket)
pulumi.export("repository_url", stack.repository_url)
pulumi.export("access_role_arn", stack.access_role_arn)
pulumi.export("execution_role_arn", stack.execution_role_arn)
pulumi.export("build_project", stack.build_project)
pulumi.export("zenml_stack", settings.zenml_stack_name)
