"""Two environments side by side: the settings that count, and what the program makes of them."""

from tests.environments.conftest import Place


def test_settings_differ_with_their_defaults_and_say_where_they_come_from(place: Place) -> None:
    found = place.json("env", "diff", "dev", "prod", "--settings-only", code=7)
    settings = {each["key"]: each for each in found["settings"]}
    assert settings["mlstack:protect"]["dev"] == {"value": False, "origin": "profile development"}
    assert settings["mlstack:protect"]["prod"] == {"value": True, "origin": "profile production"}
    assert settings["mlstack:noncurrentVersionDays"]["prod"] == {"value": 180, "origin": "Pulumi.prod.yaml"}
    assert settings["mlstack:tags.stage"]["dev"] is None
    assert "aws:region" not in settings, "both have it from Pulumi.yaml"
    assert "resources" not in found


def test_resources_are_those_of_the_program_and_differ_in_what_the_settings_say_alone(place: Place) -> None:
    found = place.json("env", "diff", "dev", "prod", code=7)["resources"]
    assert {"type": "aws:s3/bucket:Bucket", "name": "access-logs-bucket"} in found["only"]["prod"]
    assert found["only"]["dev"] == []
    different = {each["name"]: each["properties"] for each in found["different"]}
    assert different["artifacts-bucket"]["forceDestroy"] == {"dev": True, "prod": False}
    assert different["artifacts-bucket"]["protect"] == {"dev": None, "prod": True}
    assert different["image-builder-logs"]["retentionInDays"] == {"dev": 30, "prod": 365}
    for name, properties in different.items():
        for path, values in properties.items():
            assert "mlstack-dev" not in str(values), f"{name}.{path} differs in nothing but the environment's name"


def test_environments_that_differ_in_nothing_but_place_and_name_are_the_same(place: Place) -> None:
    """Everything that bears the name, the account or the region counts as equal."""
    place.run("env", "new", "twin", "--like", "dev")
    assert "no setting differs" in place.run("env", "diff", "dev", "twin", "--settings-only").stdout
    place.run("env", "new", "far", "--like", "dev", "--account", "210987654321", "--region", "us-east-1")
    found = place.json("env", "diff", "dev", "far", code=7)
    assert {each["key"] for each in found["settings"]} == {"aws:region", "aws:allowedAccountIds"}
    left = {(each["name"], path) for each in found["resources"]["different"] for path in each["properties"]}
    assert left == {("access-role", "assumeRolePolicy.Statement[0].Principal.AWS")}, "the server's own account"


def test_nothing_secret_is_shown(place: Place) -> None:
    text = place.text("dev").replace("config:\n", "config:\n  aws:token: {secure: v1:AAAA}\n")
    place.write("dev", text)
    shown = place.run("env", "diff", "dev", "prod", "--settings-only", code=7).stdout
    assert "AAAA" not in shown
    assert "(encrypted)" in shown


def test_the_program_may_refuse_and_says_why(place: Place) -> None:
    (place.directory / "__main__.py").write_text(
        "import pulumi\nraise pulumi.RunError('not on a Friday')\n", encoding="utf-8"
    )
    assert "not on a Friday" in place.refused("env", "diff", "dev", "prod")
    (place.directory / "__main__.py").write_text("raise ValueError('oh')\n", encoding="utf-8")
    said = place.run("env", "diff", "dev", "prod", code=1).stderr
    assert "the program cannot be run for dev: ValueError: oh" in said


def test_environments_that_would_own_the_same_are_not_compared(place: Place) -> None:
    place.write("dev-logs", place.text("dev"))
    assert "would both own bucket mlstack-dev-logs-" in place.refused("env", "diff", "dev", "dev-logs")
