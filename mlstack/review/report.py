"""From one run of the engine to the report."""

from collections.abc import Iterable, Mapping

from mlstack.review.access import documents, statements
from mlstack.review.contract import contract_changes
from mlstack.review.cost import cost, origin
from mlstack.review.guards import Subject, findings
from mlstack.review.model import Level, Report
from mlstack.review.plan_hash import plan_hash
from mlstack.review.preview import Preview
from mlstack.review.rules import Allowance


def report(
    preview: Preview, levels: Mapping[str, Level], allowances: Iterable[Allowance] = (), *, drift: bool = False
) -> Report:
    """Raises UsageError for a guard that there is none of."""
    # The engine begins what it can do side by side in another order each time.
    changes = tuple(sorted(preview.changes, key=lambda each: (each.component, each.name, each.urn)))
    subject = Subject(
        changes=changes,
        documents=documents(changes, preview.account),
        contract=contract_changes(*preview.contract),
        policies=tuple(preview.policies),
        drift=drift,
        unprotected=preview.unprotected,
        engine=preview.engine,
    )
    return Report(
        project=preview.project,
        environment=preview.environment,
        drift=drift,
        partial=preview.failed,
        problems=tuple(preview.problems),
        counts=preview.counts,
        changes=changes,
        documents=subject.documents,
        statements=statements(changes),
        contract=subject.contract,
        cost=cost(changes, preview.region),
        prices=origin(preview.region),
        policies=subject.policies,
        findings=findings(subject, levels, allowances),
        plan_hash=plan_hash(preview.project, preview.environment, changes, preview.unprotected),
    )
