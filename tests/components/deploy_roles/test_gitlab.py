"""Which job of GitLab gets which role, by tokens as GitLab documents them.

Neither GitLab nor AWS is asked: the evaluator of mlstack/iam decides. What AWS compares of gitlab.com beyond `sub` and
`aud` is from its reference.
"""

from dataclasses import replace

import pytest

from components.deploy_roles import github
from components.deploy_roles.gitlab import AUDIENCE, DEPLOY, PREVIEW, GitLabProject
from mlstack.errors import UsageError
from tests.components.deploy_roles.asked import ACCOUNT, ARGS, ON_GITLAB, Roles, everything, names, program
from tests.recording import record

PATH, ID = "acme/platform/ml-platform", 4711
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{{}}"
OWN = "https://git.example.com"
COMPARED = {"gitlab.com": ("project_id", "pipeline_source", "ref_protected")}
"""Claims beyond `sub` and `aud` that AWS passes to a trust policy, by issuer."""


class Job:
    """A job, and the token that GitLab gives it."""

    def __init__(self, ref: str = "main", **claims: str) -> None:
        self.claims = {
            "project_path": PATH,
            "project_id": str(ID),
            "ref_type": "branch",
            "ref": ref,
            "ref_protected": "true" if ref == "main" else "false",
            "pipeline_source": "push",
            "aud": AUDIENCE,
            **claims,
        }

    def seen(self, project: GitLabProject, issuer: str) -> dict[str, str]:
        """What AWS compares of its token. `sub` has those of the project's components that the job has."""
        components = [each for each in project.sub_components if each in self.claims]
        passed = {
            "sub": ":".join(f"{each}:{self.claims[each]}" for each in components),
            "aud": self.claims["aud"],
            **{each: self.claims[each] for each in COMPARED.get(issuer, ())},
        }
        return {f"{issuer}:{claim}": value for claim, value in passed.items()}


def review(ref: str = "feature/x", **claims: str) -> Job:
    """Of a merge request. GitLab calls its ref a branch, and never protected."""
    return Job(ref, **{"pipeline_source": "merge_request_event", "ref_protected": "false", **claims})


def gets(
    roles: Roles, purpose: str, job: Job, project: GitLabProject, environment: str = "dev", issuer: str = ""
) -> bool:
    issuer = issuer or project.issuer
    return roles.trusts(purpose, job.seen(project, issuer), environment, provider=PROVIDER.format(issuer))


FORMS = {
    "gitlab.com": GitLabProject(path=PATH),
    "gitlab.com with the id": GitLabProject(path=PATH, id=ID),
    "gitlab.com with the id in sub": GitLabProject(path=PATH, id=ID, sub_components=("project_id", "ref_type", "ref")),
    "own": GitLabProject(path=PATH, url=OWN),
    "own with the id in sub": GitLabProject(
        path=PATH, url=OWN, id=ID, sub_components=("project_id", "ref_type", "ref", "ref_protected")
    ),
    "own below a path": GitLabProject(path=PATH, url=f"{OWN}/gitlab"),
}
_MADE: dict[str, Roles] = {}
forms = pytest.mark.parametrize("form", FORMS)


def roles(form: str) -> Roles:
    if form not in _MADE:
        _MADE[form] = Roles(replace(ON_GITLAB, project=FORMS[form]))
    return _MADE[form]


@forms
def test_a_merge_request_of_any_branch_and_the_schedule_of_main_get_the_preview_role(form: str) -> None:
    for job in (review(), review("main"), review("fix-#3"), Job(pipeline_source="schedule")):
        assert gets(roles(form), PREVIEW, job, FORMS[form]), job.claims
        assert gets(roles(form), PREVIEW, job, FORMS[form], "prod"), job.claims


@forms
def test_only_a_job_of_the_protected_branch_gets_a_deploy_role(form: str) -> None:
    assert gets(roles(form), DEPLOY, Job(), FORMS[form])
    others = ("mainline", "feature/main", "Main", "", "*", "main:environment_protected:true")
    for job in (review(), *(Job(each, ref_protected="true") for each in others), Job("main", ref_type="tag")):
        assert not gets(roles(form), DEPLOY, job, FORMS[form]), job.claims


@forms
@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
def test_a_fork_another_project_and_a_tag_of_the_branchs_name_get_no_role(form: str, purpose: str) -> None:
    by_id = FORMS[form].sub_components[0] == "project_id"
    strangers: tuple[dict[str, str], ...] = (
        # The merge request of a fork that somebody runs in this project names the fork, since GitLab 18.2.2.
        {"project_path": "mallory/ml-platform", "project_id": "66"},
        {"project_path": f"{PATH}-2", "project_id": "66"},
        {"project_path": "acme/platform", "project_id": "471"},
        {"project_path": f"evil/{PATH}", "project_id": "47110"},
        {"project_path": f"{PATH}/sub", "project_id": "66"},
        *(() if by_id else ({"project_path": PATH.upper()},)),
        {"ref_type": "tag"},
    )
    for ref in ("main", "feature/x"):
        for each in strangers:
            for job in (review(ref, **each), Job(ref, **each), Job(ref, pipeline_source="schedule", **each)):
                assert not gets(roles(form), purpose, job, FORMS[form]), job.claims


@forms
@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
def test_a_token_for_somebody_else_or_from_another_gitlab_gets_no_role(form: str, purpose: str) -> None:
    job = review() if purpose == PREVIEW else Job()
    good = job.seen(FORMS[form], FORMS[form].issuer)
    provider = PROVIDER.format(FORMS[form].issuer)
    assert roles(form).trusts(purpose, good, provider=provider)
    for audience in (FORMS[form].url, "https://vault.example.com", ""):
        told = {**good, f"{FORMS[form].issuer}:aud": audience}
        assert not roles(form).trusts(purpose, told, provider=provider), audience
    for other in (provider.replace(ACCOUNT, "999999999999"), PROVIDER.format("gitlab.example.org")):
        assert not roles(form).trusts(purpose, good, provider=other), other
    assert not gets(roles(form), purpose, job, FORMS[form], issuer="gitlab.example.org")


def test_on_gitlab_com_other_sources_do_not_preview_and_a_branch_that_lost_its_protection_does_not_deploy() -> None:
    form = "gitlab.com"
    assert gets(roles(form), PREVIEW, review(), FORMS[form])
    for source in ("push", "web", "api", "trigger"):
        assert not gets(roles(form), PREVIEW, Job("feature/x", pipeline_source=source), FORMS[form]), source
    assert not gets(roles(form), DEPLOY, Job(ref_protected="false"), FORMS[form])
    # The branch of a merge request that is called as the protected one is: GitLab never calls it protected.
    assert not gets(roles(form), DEPLOY, review("main"), FORMS[form])


def test_a_gitlab_of_ones_own_says_in_the_subject_that_the_branch_is_protected() -> None:
    form = "own with the id in sub"
    assert gets(roles(form), DEPLOY, Job(), FORMS[form])
    for job in (Job(ref_protected="false"), review("main")):
        assert not gets(roles(form), DEPLOY, job, FORMS[form])
        assert gets(roles("own"), DEPLOY, job, FORMS["own"]), "unless asked to, it does not"


def test_on_gitlab_com_a_path_that_somebody_took_over_gets_nothing_when_the_id_is_given() -> None:
    for job, purpose in ((review(project_id="66"), PREVIEW), (Job(project_id="66"), DEPLOY)):
        assert not gets(roles("gitlab.com with the id"), purpose, job, FORMS["gitlab.com with the id"])
        assert gets(roles("gitlab.com"), purpose, job, FORMS["gitlab.com"]), "without the id the path alone decides"


TIERED = replace(
    ON_GITLAB,
    project=GitLabProject(
        path=PATH,
        url=OWN,
        sub_components=("project_path", "ref_type", "ref", "environment_protected", "deployment_tier"),
    ),
    tiers={"dev": "development", "prod": "production"},
)


def test_with_the_tier_in_its_subject_a_job_gets_the_role_of_its_own_environment_only() -> None:
    asked = Roles(TIERED)
    dev = Job(environment_protected="true", deployment_tier="development")
    prod = Job(environment_protected="true", deployment_tier="production")
    assert gets(asked, DEPLOY, dev, TIERED.project, "dev")
    assert gets(asked, DEPLOY, prod, TIERED.project, "prod")
    for job in (dev, Job(), Job(environment_protected="false", deployment_tier="production")):
        assert not gets(asked, DEPLOY, job, TIERED.project, "prod"), job.claims
    assert gets(asked, PREVIEW, review(), TIERED.project, "prod")
    assert not gets(asked, PREVIEW, review(project_path="mallory/ml-platform"), TIERED.project, "prod")


def test_without_it_jobs_of_one_branch_are_the_same_whatever_their_environment() -> None:
    """What GitLab's default gives away; the documentation says so."""
    job = Job(environment_protected="false", deployment_tier="development")
    assert gets(roles("own"), DEPLOY, job, FORMS["own"], "prod")


def test_another_audience_and_another_branch_are_those_of_the_trust() -> None:
    project = FORMS["own"]
    asked = Roles(replace(ON_GITLAB, project=project, audience=OWN, branch="release/2026"))
    assert gets(asked, DEPLOY, Job("release/2026", aud=OWN), project)
    assert not gets(asked, DEPLOY, Job("release/2026"), project)
    assert not gets(asked, DEPLOY, Job(aud=OWN), project)
    assert gets(asked, PREVIEW, review(aud=OWN), project)
    (provider,) = (each for each in record(program(replace(ON_GITLAB, audience=OWN))).customs if "Connect" in each.type)
    assert provider.inputs["clientIdLists"] == [OWN]


@forms
def test_only_the_branch_under_review_is_a_pattern(form: str) -> None:
    (deploy,) = roles(form).trust(DEPLOY).statements
    assert {condition.operator for condition in deploy.conditions} == {"StringEquals"}
    (preview,) = roles(form).trust(PREVIEW).statements
    patterns = [each for each in preview.conditions if each.operator != "StringEquals"]
    assert [(each.operator, each.key) for each in patterns] == [("StringLike", f"{FORMS[form].issuer}:sub")]


@pytest.mark.parametrize("job", ["preview", "deploy"])
def test_the_roles_may_do_what_those_of_github_may(job: str) -> None:
    on_github, on_gitlab = Roles(ARGS), Roles(ON_GITLAB)
    for environment in ("dev", "prod"):
        theirs = on_github.policies(f"github-{job}", environment)
        assert theirs
        assert set(on_gitlab.policies(f"gitlab-{job}", environment)) == set(theirs)
    # What either may change, it can change of no role of a forge.
    for role in (github.DEPLOY, github.PREVIEW, DEPLOY, PREVIEW):
        assert not on_gitlab.may(DEPLOY, "iam:UpdateAssumeRolePolicy", names().role_arn(role))


def test_both_forges_go_together_in_one_account() -> None:
    def both() -> None:
        program(ARGS)()
        program(ON_GITLAB)()

    recording = record(both)
    urns = [each.urn for each in recording.resources]
    assert len(urns) == len(set(urns))
    for type_ in ("aws:iam/role:Role", "aws:iam/policy:Policy", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"):
        made = [str(each.inputs.get("name") or each.inputs["url"]) for each in recording.customs if each.type == type_]
        assert len(made) == len(set(made)) > 0, type_


def test_a_preview_shows_every_document_and_registers_what_an_update_does() -> None:
    previewed, updated = record(program(ON_GITLAB), preview=True), record(program(ON_GITLAB))
    assert {each.urn for each in previewed.resources} == {each.urn for each in updated.resources}
    assert {each.type for each in updated.components} == {"mlstack:index:GitLabDeployRoles", "mlstack:index:Role"}
    for each in previewed.customs:
        for key in {"policy", "assumeRolePolicy", "policyArn", "role", "path"} & each.inputs.keys():
            assert isinstance(each.inputs[key], str), f"{each.name}: {key} is unknown in a preview"
    for each in updated.customs:
        if "tags" in each.inputs:
            assert each.inputs["tags"] == {"team": "platform"}, each.name


@pytest.mark.parametrize("form", ["gitlab.com", "own below a path"])
def test_a_provider_that_the_account_has_is_used_and_not_made_again(form: str) -> None:
    args = replace(ON_GITLAB, project=FORMS[form])
    type_ = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    (made,) = (each for each in record(program(args)).customs if each.type == type_)
    assert made.inputs == {"url": FORMS[form].url, "clientIdLists": [AUDIENCE], "tags": {"team": "platform"}}
    arn = PROVIDER.format(FORMS[form].issuer)
    used = record(program(replace(args, provider_arn=arn)))
    assert not [each for each in used.customs if each.type == type_]
    assert all(arn in str(each.inputs["assumeRolePolicy"]) for each in used.customs if each.type == "aws:iam/role:Role")
    with pytest.raises(UsageError, match=r"the OIDC provider is .*/gitlab\.org"):
        record(program(replace(args, provider_arn=PROVIDER.format("gitlab.org"))))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"path": "acme/*"}, "project is 'acme/\\*'"),
        ({"path": "*"}, "project is '\\*'"),
        ({"path": "*/ml"}, "project is '\\*/ml'"),
        ({"path": "acme"}, "project is 'acme'"),
        ({"path": ""}, "project is ''"),
        ({"path": "acme/ml:ref"}, "project is 'acme/ml:ref'"),
        ({"path": "acme/ml?"}, "project is 'acme/ml\\?'"),
        ({"path": "acme/ml\n"}, "project is"),
        ({"path": "/acme/ml"}, "project is '/acme/ml'"),
        ({"path": "https://gitlab.com/acme/ml"}, "project is 'https"),
        ({"url": "http://git.example.com"}, "address is 'http://git.example.com'"),
        ({"url": "git.example.com"}, "address is 'git.example.com'"),
        ({"url": "https://git.example.com/"}, "address is 'https://git.example.com/'"),
        ({"url": "https://git.example.com:8443"}, "address is 'https://git.example.com:8443'"),
        ({"url": "https://*.example.com"}, "address is"),
        ({"url": "https://gitlab.com?x=1"}, "address is"),
        ({"id": 0}, "id of the GitLab project is 0"),
        ({"id": ID, "url": OWN}, f"id is {ID}, and AWS compares only sub and aud of {OWN}"),
        ({"sub_components": ("project_id", "ref_type", "ref")}, "id is not known"),
        ({"sub_components": ("project_path",)}, "any branch and tag would be the same"),
        ({"sub_components": ("project_path", "ref")}, "any branch and tag would be the same"),
        ({"sub_components": ("project_path", "ref_type")}, "any branch and tag would be the same"),
        ({"sub_components": ("ref_type", "ref", "project_path")}, "any branch and tag would be the same"),
        ({"sub_components": ()}, "sub are none: any branch"),
        ({"sub_components": ("project_path", "ref_type", "ref", "ref")}, "are project_path, ref_type, ref, ref"),
        # A merge request of a fork that runs in this project bears this project's.
        ({"sub_components": ("job_project_path", "ref_type", "ref")}, "job_project_path is none that is trusted"),
        ({"sub_components": ("project_path", "ref_type", "ref", "environment")}, "environment is none"),
    ],
)
def test_a_project_that_is_none_or_whose_tokens_say_too_little_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        GitLabProject(**{"path": PATH, **given})  # type: ignore[arg-type]
    assert "\n" not in refused.value.message.replace("\\n", "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"branch": "*"}, "branch is '\\*'"),
        ({"branch": ""}, "branch is ''"),
        ({"branch": "main:x"}, "branch is 'main:x'"),
        ({"audience": ""}, "audience is ''"),
        ({"audience": "a b"}, "audience is 'a b'"),
        ({"tiers": {"dev": "development"}}, "sub has none"),
        ({"project": TIERED.project}, "tier of dev is None"),
        ({"project": TIERED.project, "tiers": {"dev": "development"}}, "tier of prod is None"),
        ({"project": TIERED.project, "tiers": {"dev": "dev", "prod": "production"}}, "tier of dev is 'dev'"),
        ({"environments": ()}, "of 0 accounts"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_declared(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        record(program(replace(ON_GITLAB, **changes)))  # type: ignore[arg-type]


def test_the_trust_of_the_longest_names_fits_what_aws_allows() -> None:
    long = GitLabProject(
        path="/".join(["a" * 60] * 4), url=OWN, sub_components=(*TIERED.project.sub_components, "ref_protected")
    )
    record(
        program(
            replace(TIERED, project=long, branch="b" * 200, environments=(everything(),), tiers={"dev": "production"})
        )
    )
