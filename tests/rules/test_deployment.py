"""Rules about the compose files and the image. Docker is not needed: what can be known without it is checked."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import check_jsonschema
import click
import pytest
import yaml
from click.testing import CliRunner

from market.cli import market
from market.settings import from_environment

PROJECT = Path(__file__).parents[2]
SERVERS, EMBEDDED = PROJECT / "docker-compose.yml", PROJECT / "docker-compose.embedded.yml"
FILES = (SERVERS, EMBEDDED)
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
OWN = f"qiao:{VERSION}"
ONE_SHOT = {"migrate"}

# As the images' own documentation spells them: a typing error would be ignored without a word.
KNOWN = {
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"},
    "getmeili/meilisearch": {
        "MEILI_ENV",
        "MEILI_MASTER_KEY",
        "MEILI_NO_ANALYTICS",
        "MEILI_DB_PATH",
        "MEILI_MAX_INDEXING_MEMORY",
        "MEILI_LOG_LEVEL",
    },
    "axllent/mailpit": {"MP_MAX_MESSAGES", "MP_DISABLE_VERSION_CHECK"},
}


def composed(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


SERVICES = [
    pytest.param(path, name, service, id=f"{path.stem.removeprefix('docker-compose').strip('.') or 'servers'}:{name}")
    for path in FILES
    for name, service in composed(path)["services"].items()
]
LASTING = [one for one in SERVICES if one.values[1] not in ONE_SHOT]


def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions, as (name, arguments), stage by stage."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    found: list[list[tuple[str, str]]] = []
    for line in filter(str.strip, lines):
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments.strip()))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_compose_file_is_as_the_specification_says(path: Path) -> None:
    # The schema comes with the package: sockets are closed here.
    result = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", "vendor.compose-spec", str(path)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("path", "name", "service"), SERVICES)
def test_an_image_is_ours_or_pinned(path: Path, name: str, service: dict[str, Any]) -> None:
    image, _, tag = service["image"].partition(":")
    if "build" in service:
        assert service["image"] == OWN
    else:
        assert re.match(r"v?\d+\.\d+", tag), service["image"]
        assert image in {*KNOWN, "haproxy"}
    assert "enterprise" not in service["image"]
    assert "." not in image.partition("/")[0], "an image's registry is for the machine to say"


@pytest.mark.parametrize(("path", "name", "service"), SERVICES)
def test_a_service_has_limits_few_rights_and_logs_that_end(path: Path, name: str, service: dict[str, Any]) -> None:
    assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert "privileged" not in service


@pytest.mark.parametrize(("path", "name", "service"), LASTING)
def test_a_service_that_stays_is_watched_started_again_and_stopped_gently(
    path: Path, name: str, service: dict[str, Any]
) -> None:
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}
    assert service["restart"] == "unless-stopped"
    assert "stop_grace_period" in service


@pytest.mark.parametrize(("path", "name", "service"), SERVICES)
def test_only_loopback_is_published(path: Path, name: str, service: dict[str, Any]) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize(("path", "name", "service"), SERVICES)
def test_whoever_is_waited_for_can_be_waited_for(path: Path, name: str, service: dict[str, Any]) -> None:
    services = composed(path)["services"]
    for other, how in service.get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected
        assert other in services


def test_what_can_be_scaled_publishes_no_port_and_has_no_name_of_its_own() -> None:
    services = composed(SERVERS)["services"]
    for name in ("web", "worker"):
        assert not services[name].keys() & {"ports", "container_name", "hostname"}
    assert "server-template web 1-20 web:8000" in composed(SERVERS)["configs"]["proxy"]["content"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_volume_network_and_config_that_is_used_is_declared_and_the_other_way_round(path: Path) -> None:
    whole = composed(path)
    services = whole["services"].values()
    mounted = {mount.partition(":")[0] for service in services for mount in service.get("volumes", [])}
    assert mounted == set(whole.get("volumes", {}))
    assert {name for service in services for name in service.get("networks", [])} == set(whole.get("networks", {}))
    configs = {config["source"] for service in services for config in service.get("configs", [])}
    assert configs == set(whole.get("configs", {}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_has_a_default(path: Path) -> None:
    secret = re.compile(r"SECRET|PASSWORD|KEY|TOKEN")
    for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", path.read_text(encoding="utf-8")):
        if secret.search(name):
            assert re.match(r":\?.{20}", rest), f"{name} must be asked for, with words that help"
    for name, value in variables(path):
        if secret.search(name):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value)), name


def test_the_page_for_operators_makes_every_secret_that_is_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", SERVERS.read_text(encoding="utf-8")))
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    [made] = re.findall(r"for name in ([\w ]+); do", page)
    assert set(made.split()) == asked
    assert "openssl rand -hex 32" in page


def variables(path: Path, image: str = "") -> list[tuple[str, Any]]:
    services = composed(path)["services"].values()
    return [
        pair
        for service in services
        if service["image"].startswith(image)
        for pair in service.get("environment", {}).items()
    ]


def test_our_services_are_given_settings_that_exist_with_values_that_are_good() -> None:
    for service in composed(SERVERS)["services"].values():
        if service["image"] == OWN:
            given = {
                name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", re.sub(r"\$\{\w+:\?[^}]*\}", "ab" * 32, str(value)))
                for name, value in service["environment"].items()
            }
            settings = from_environment(given)
            assert all(name.startswith("MARKET_") for name in given)
            assert settings.environment == "production"
            assert settings.database.startswith("postgresql://")


@pytest.mark.parametrize("image", sorted(KNOWN))
def test_a_variable_of_another_image_is_one_that_it_knows(image: str) -> None:
    assert {name for name, _ in variables(SERVERS, image)} <= KNOWN[image]


@pytest.mark.parametrize(("path", "name", "service"), [one for one in SERVICES if "build" in one.values[2]])
def test_what_a_container_runs_is_a_command_that_exists(
    path: Path, name: str, service: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    command = service["command"]
    if "entrypoint" in service:
        assert service["entrypoint"] == ["sh", "-ec"]
        lines = [shlex.split(part.strip().removeprefix("exec ")) for part in command[0].split("&&")]
    else:
        lines = [["market", *command]]
    for program, *arguments in lines:
        assert program == "market"
        parse(arguments)


def parse(arguments: list[str]) -> None:
    """Let click find the command and take its options, without running it. Raises where it would."""
    command: click.Command = market
    context = click.Context(market, info_name="market")
    while isinstance(command, click.Group):
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
    command.make_context(command.name, arguments, parent=context)


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(["serve", "--without-hope"])


def test_the_image_is_run_by_nobody_in_particular() -> None:
    final = stages()[-1]
    [user] = [arguments for name, arguments in final if name == "USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    after = [name for name, _ in final[[name for name, _ in final].index("USER") + 1 :]]
    assert not {"RUN", "COPY", "USER"} & set(after)


def test_the_image_says_how_it_is_watched_stopped_and_named() -> None:
    final = dict(stages()[-1])
    assert final.keys() >= {"HEALTHCHECK", "STOPSIGNAL", "LABEL", "EXPOSE"}
    assert json.loads(final["ENTRYPOINT"]) == ["market"]
    parse(json.loads(final["CMD"]))
    assert f'org.opencontainers.image.version="{VERSION}"' in final["LABEL"]


def test_the_image_is_built_from_pinned_images_and_hashed_packages() -> None:
    for stage in stages():
        assert re.match(r"python:3\.\d+-slim-\w+( AS \w+)?$", stage[0][1])
        assert "ADD" not in dict(stage)
    installs = [line for name, line in stages()[0] if name == "RUN" and "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert not any("pip install" in arguments for _, arguments in stages()[-1])


def test_what_is_copied_into_the_image_exists_and_is_let_through() -> None:
    kept = [
        line.lstrip("!")
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    copied = {
        source
        for stage in stages()
        for name, arguments in stage
        if name == "COPY" and "--from=" not in arguments
        for source in arguments.split()[:-1]
    }
    assert copied
    for source in copied:
        assert (PROJECT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in kept), f"{source} stands in .dockerignore"
    assert set(kept) == copied, "no more is let through than is copied"


def test_no_secret_reaches_image_or_repository() -> None:
    assert ".env" in (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()[1] == "*"
