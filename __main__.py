"""The program that `pulumi up` runs: settings, the stacks that they ask for, outputs."""

import pulumi

from components.account import refuse_another
from components.configuration import from_pulumi
from components.stacks import declared
from mlstack.registration.automatic import leave_registered, register_all

settings = from_pulumi()
refuse_another(settings)
stacks = declared(settings)

for name, value in stacks.outputs().items():
    pulumi.export(name, value)

if settings.stack.registration == "automatic":
    register_all(stacks.by_team)
else:
    leave_registered()
