"""All rules, in the order in which docs/policies.md shows them."""

from policies import actions, codebuild, ecr, iam, kms, logs, network, s3, stack
from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    *iam.RULES,
    *actions.RULES,
    *s3.RULES,
    *ecr.RULES,
    *kms.RULES,
    *codebuild.RULES,
    *logs.RULES,
    *network.RULES,
    *stack.RULES,
)
