"""From code to an image on CodeBuild: the buildspec's own commands run, and the image arrives in a real registry."""

from pathlib import Path

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
