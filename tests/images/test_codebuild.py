"""From code to an image on CodeBuild: the buildspec's own commands run, and the image arrives in a real registry."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.images.stack import Stack


def test_code_becomes_an_image_in_the_registry_with_its_files_and_its_configuration(
    stack: Stack, project: Path
) -> None:
    result = stack.built(project)
    assert result["built"]
    assert result["uploaded"]
    assert result["image"] == f"{stack.target.image}@{result['digest']}"
    assert result["docker_settings"] == f'DockerSettings(parent_image="{result["image"]}", skip_build=True)'
    assert result["tag"] == f"content-{result['content'][:24]}"
    files = stack.files(result["digest"])
    assert files["app/.dockerignore"] == b"*.log\nDockerfile\n"
    assert files["app/train.py"] == b"print('hello')\n"
    assert files["app/made"] == b"made\n"
    assert "app/noise.log" not in files
    assert "app/Dockerfile" not in files
    configuration = stack.configuration(result["digest"])
    assert configuration["config"]["User"] == "1000"
    assert configuration["config"]["Cmd"] == ["/app/steps/run.sh"]
    assert configuration["architecture"] == "amd64"
    manifest = stack.manifest(result["digest"])
    assert result["bytes"] == sum(each["size"] for each in [*manifest["layers"], manifest["config"]])


def test_the_same_content_is_not_built_again_and_not_uploaded_again(stack: Stack, project: Path) -> None:
    first = stack.built(project)
    before = stack.builds()
    again = stack.built(project)
    assert again["digest"] == first["digest"]
    assert not again["built"]
    assert stack.builds() == before
    tagged = stack.built(project, "--tag", "same-1")
    assert tagged["digest"] == first["digest"], "one more tag is one more name of the image, not another image"
    assert not tagged["uploaded"]
    assert len(stack.builds()) == len(before) + 1
    before = stack.builds()
    assert not stack.built(project, "--tag", "same-1")["built"]
    assert stack.builds() == before


def test_phases_and_log_lines_are_shown_while_it_builds_with_the_seconds(stack: Stack, project: Path) -> None:
    (project / "Dockerfile").write_text(
        (project / "Dockerfile").read_text() + 'RUN echo before; sleep 4; echo "after [it]"\n'
    )
    process = subprocess.Popen(
        stack.command(project),
        cwd=project,
        env=stack.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    seen: dict[str, float] = {}
    lines = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r"(\d+\.\d) s  (\w+(?: \w+)?) +│ (before|after \[it\])$", line.rstrip()):
            seen[found[3]] = time.monotonic()
            assert found[2] == "build"
    assert process.wait() == 0, "".join(lines)
    assert seen["after [it]"] - seen["before"] > 2, "the lines came at once, at the end"
    assert process.stdout is not None
    said = process.stdout.read()
    assert "DockerSettings(parent_image=" in said
    assert "\x1b" not in said


def test_the_scan_is_told_and_fails_the_command_when_asked_to(stack: Stack, project: Path) -> None:
    done = stack.build(project, "--fail-on", "high")
    assert done.returncode == 9, done.stderr  # the emulator finds one of severity high in everything
    assert "1 high" in done.stdout
    assert "@sha256:" in done.stdout, "the image is there, whatever was found in it"
    assert stack.build(project, "--fail-on", "critical").returncode == 0


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a cancelled job"])
def test_an_interruption_stops_the_build_in_the_cloud(stack: Stack, project: Path, by: signal.Signals) -> None:
    (project / "Dockerfile").write_text((project / "Dockerfile").read_text() + "RUN echo sleeping; sleep 600\n")
    process = subprocess.Popen(
        stack.command(project),
        cwd=project,
        env=stack.environment,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.rstrip().endswith("│ sleeping"):
            break
    process.send_signal(by)
    rest = process.stderr.read()
    assert process.wait(30) == 130
    assert "stopped the build" in rest
    assert "Traceback" not in rest
    build = stack.emulator.client("codebuild").batch_get_builds(ids=stack.builds()[-1:])["builds"][0]
    deadline = time.monotonic() + 20
    while build["buildStatus"] == "IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.2)
        build = stack.emulator.client("codebuild").batch_get_builds(ids=stack.builds()[-1:])["builds"][0]
    assert build["buildStatus"] == "STOPPED"
    emulator = psutil.Process(stack.emulator.process.pid)
    assert not [each for each in emulator.children(recursive=True) if "sleep" in each.cmdline()]


def failing(project: Path, line: str) -> None:
    (project / "Dockerfile").write_text((project / "Dockerfile").read_text().replace("CMD", f"USER 0\n{line}\nCMD"))


@pytest.mark.parametrize(
    ("line", "cause", "log"),
    [
        # Not at once: on a busy machine buildah ended before it had passed on what was written last.
        ("RUN echo one && echo reason >&2 && sleep 0.5 && exit 3", "a command of the Dockerfile failed", "| reason"),
        ("RUN dd if=/dev/zero of=/dev/full", "ran out of disk space", "No space left on device"),
        ("COPY nowhere.txt /", "copies a file that the context does not hold", "nowhere.txt"),
        ("FRMO nothing", "the Dockerfile cannot be read", "FRMO"),
    ],
)
def test_a_build_that_fails_ends_with_its_cause_and_the_lines_that_say_so(
    stack: Stack, project: Path, line: str, cause: str, log: str
) -> None:
    failing(project, line)
    done = stack.build(project, "--quiet")
    assert done.returncode == 1
    assert cause in done.stderr
    assert log in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_base_image_that_is_not_there_is_named(stack: Stack, project: Path) -> None:
    (project / "Dockerfile").write_text(f"FROM {stack.target.image}:nowhere\n")
    done = stack.build(project, "--quiet")
    assert done.returncode == 1
    assert "a base image could not be pulled" in done.stderr
    assert "nowhere" in done.stderr


def test_a_build_that_may_not_push_names_the_right_and_the_role(stack: Stack, project: Path) -> None:
    iam = stack.emulator.client("iam")
    role = next(each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"].endswith("-codebuild"))
    granted = iam.get_role_policy(RoleName=role, PolicyName="granted")["PolicyDocument"]
    less = json.loads(json.dumps(granted).replace("ecr:InitiateLayerUpload", "ecr:DescribeImages"))
    (project / "new.txt").write_text("a layer that has to be pushed")
    iam.put_role_policy(RoleName=role, PolicyName="granted", PolicyDocument=json.dumps(less))
    try:
        done = stack.build(project, "--quiet")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="granted", PolicyDocument=json.dumps(granted))
    assert done.returncode == 1
    assert "may not push" in done.stderr
    assert "ecr:InitiateLayerUpload" in done.stderr
    assert "docs/permissions.md" in done.stderr
    assert stack.build(project, "--quiet").returncode == 0, "it was the right alone"


def test_a_tag_of_another_image_is_refused_before_anything_is_uploaded(stack: Stack, project: Path) -> None:
    stack.built(project, "--tag", "taken")
    (project / "train.py").write_text("print('changed')\n")
    contexts, builds = stack.contexts(), stack.builds()
    done = stack.build(project, "--tag", "taken")
    assert done.returncode == 2
    assert "holds another image under it" in done.stderr
    assert (stack.contexts(), stack.builds()) == (contexts, builds)


def test_a_tag_that_is_taken_while_it_builds_ends_the_build_with_that_cause(stack: Stack, project: Path) -> None:
    """Two people at once: the registry decides, and says so in the log."""
    other = stack.built(project)
    (project / "train.py").write_text("print('late')\n")
    failing(project, "RUN echo waiting; sleep 4")
    process = subprocess.Popen(
        stack.command(project, "--tag", "raced"), cwd=project, env=stack.environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.rstrip().endswith("│ waiting"):
            break
    stack.give_tag(other["digest"], "raced")
    rest = process.stderr.read()
    assert process.wait(60) == 1
    assert "the tag is another image's already" in rest
    assert "cannot be overwritten because the tag is immutable" in rest


def test_a_tag_that_zenml_moves_may_be_moved(stack: Stack, project: Path) -> None:
    first = stack.built(project, "--tag", "digits-orchestrator")
    (project / "train.py").write_text("print('moved')\n")
    second = stack.built(project, "--tag", "digits-orchestrator")
    assert second["digest"] != first["digest"]
    assert stack.manifest("digits-orchestrator") == stack.manifest(second["digest"])
