"""Imports point one way: pure code <- AWS components <- MLStack <- program; the ZenML side knows the contract alone.

The policy pack stands beside the program: it judges what was declared, and knows nothing of how.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

PURE = {
    "settings",
    "sections",
    "team_settings",
    "existing_checks",
    "profiles",
    "pulumi_files",
    "configuration",
    "collisions",
    "checks",
    "problems",
    "limits",
    "names",
    "iam",
    "flavors",
    "ignored",
    "state_access",
    "team_checks",
}
"""Modules of components/ that are plain data: usable without the engine."""

SPEAKS_ZENML = {
    "mlstack/registration/client.py",
    "mlstack/registration/models.py",
    "mlstack/images/connector.py",
    "mlstack/images/integrations.py",
    "mlstack/local/zenml_server.py",
    "mlstack/schedules/both_sides.py",
    "mlstack/verification/cleanup.py",
    "mlstack/verification/evidence.py",
    "mlstack/verification/smoke.py",
    "mlstack/verification/worker.py",
}
"""The registration client with the models that it sends; who asks for a connector's credentials; the process that asks
what integrations need, which no command imports; the embedded server, which is ZenML itself; the schedules; and the
process that runs the smoke pipeline, which no command imports."""


def test_the_aws_side_never_imports_zenml_and_knows_only_the_contract_of_the_rest() -> None:
    for file in (ROOT / "components").rglob("*.py"):
        imported = set(_imports(file))
        assert not {name for name in imported if name.split(".")[0] == "zenml"}, file.name
        ours = {name for name in imported if name.startswith("mlstack")}
        assert ours <= {
            "mlstack.access_key",
            "mlstack.contract",
            "mlstack.errors",
            "mlstack.existing.asked",
            "mlstack.existing.check",
        }, f"{file.name} knows more of mlstack than the contract"


def test_plain_data_needs_no_engine() -> None:
    for file in (ROOT / "components").rglob("*.py"):
        if file.stem in PURE:
            assert not {name for name in _imports(file, only_at_import=True) if name.startswith("pulumi")}, file.name


def test_only_the_program_composes_the_stack() -> None:
    for file in (ROOT / "components").rglob("*.py"):
        if file.stem not in ("ml_stack", "stacks"):
            assert "components.ml_stack" not in set(_imports(file)), file.name


def test_what_roles_may_do_knows_no_forge_and_no_forge_another() -> None:
    forges = ("components.deploy_roles.github", "components.deploy_roles.gitlab")
    for file in (ROOT / "components").rglob("*.py"):
        assert not {name for name in _imports(file) if name.startswith(forges)}, file.name


def test_what_runs_around_the_engine_never_imports_the_aws_sdk_of_pulumi() -> None:
    for file in (ROOT / "mlstack").rglob("*.py"):
        assert not {name for name in _imports(file) if name.startswith("pulumi_aws")}, file.name


def test_only_the_registration_client_imports_zenml_and_never_before_it_is_called() -> None:
    for file in (ROOT / "mlstack").rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if any(imported.split(".")[0] == "zenml" for imported in _imports(file)):
            assert name in SPEAKS_ZENML, f"{name} imports zenml"
        if name.startswith("mlstack/registration/"):
            at_import = {imported.split(".")[0] for imported in _imports(file, only_at_import=True)}
            assert "zenml" not in at_import, f"{name} makes every command wait for zenml"


def test_images_knows_nothing_of_what_stands_in_for_aws_and_waits_for_it_only_when_it_asks() -> None:
    for file in (ROOT / "mlstack" / "images").rglob("*.py"):
        known = {name for name in _imports(file) if name.startswith(("components", "mlstack.local"))}
        assert not known, f"{file.name} imports {known}"
        at_import = {imported.split(".")[0] for imported in _imports(file, only_at_import=True)}
        assert not at_import & {"zenml", "boto3", "botocore"}, f"{file.name} makes every command wait"


def test_registration_knows_neither_components_nor_the_embedded_cloud() -> None:
    for file in (ROOT / "mlstack" / "registration").glob("*.py"):
        known = {name for name in _imports(file) if name.startswith(("components", "mlstack.local"))}
        assert not known, f"{file.name} imports {known}"


def test_the_iam_evaluator_knows_nothing_but_iam() -> None:
    for file in (ROOT / "mlstack" / "iam").glob("*.py"):
        ours = {name for name in _imports(file) if name.startswith(("mlstack", "components", "pulumi", "moto"))}
        assert all(name.startswith("mlstack.iam") for name in ours), f"{file.name} imports {ours}"


def test_what_posts_a_review_knows_nothing_of_it() -> None:
    for file in (ROOT / "mlstack" / "review" / "forge").glob("*.py"):
        ours = {name for name in _imports(file) if name.startswith(("mlstack", "components", "pulumi"))}
        assert all(name.startswith(("mlstack.review.forge", "mlstack.errors")) for name in ours), f"{file.name}: {ours}"


def test_the_policy_pack_waits_for_neither_aws_nor_zenml_and_knows_only_what_is_pure() -> None:
    for file in (ROOT / "policies").glob("*.py"):
        imported = set(_imports(file))
        heavy = {"zenml", "pulumi_aws", "boto3", "botocore", "cfnlint", "moto"}
        assert not {name for name in imported if name.split(".")[0] in heavy}, f"{file.name} makes every preview wait"
        ours = {name for name in imported if name.startswith(("components", "mlstack", "tests", "tools"))}
        pure = tuple(f"components.{name}" for name in PURE)
        assert all(name.startswith(("mlstack.iam", *pure)) for name in ours), f"{file.name} imports {ours}"


def test_nothing_but_the_pack_knows_the_rules() -> None:
    for folder in ("components", "mlstack"):
        for file in (ROOT / folder).rglob("*.py"):
            assert not {name for name in _imports(file) if name.startswith("polic")}, f"{file.name} imports a rule"


def _imports(file: Path, *, only_at_import: bool = False) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body if only_at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module in ("components", "mlstack"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_review_knows_nothing_of_what_deploys() -> None:
    for file in (ROOT / "mlstack" / "review").rglob("*.py"):
        known = {name for name in _imports(file) if name.startswith(("mlstack.deployment", "components"))}
        assert not known, f"{file.name} imports {known}"
