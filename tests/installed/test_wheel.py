"""What the wheel puts into an environment, and what its command says."""

from __future__ import annotations

import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from polydesk import __version__
from tests.support.downloads import WORK
from tests.support.processes import environment

pytestmark = pytest.mark.installed


def run(*command: str | Path, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        env=environment(state),
        cwd=state,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_only_polydesk_is_added_to_the_environment(installation: Path) -> None:
    (wheel,) = (WORK / "dist").glob("polydesk-*.whl")
    top_level = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert top_level == {"polydesk", f"polydesk-{__version__}.dist-info"}
    (packages,) = installation.glob("lib/python3*/site-packages")
    assert not {"core", "gpu", "handlers", "server", "tests"} & {each.name for each in packages.iterdir()}
    assert (packages / "polydesk" / "py.typed").is_file()


def test_its_requirements_name_no_address(installation: Path) -> None:
    (metadata,) = installation.glob("lib/python3*/site-packages/polydesk-*.dist-info/METADATA")
    requirements = Parser().parsestr(metadata.read_text()).get_all("Requires-Dist") or []
    assert requirements
    assert not [each for each in requirements if "@" in each]


def test_the_command_says_its_version(command: tuple[str, ...], tmp_path: Path) -> None:
    said = run(*command, "--version", state=tmp_path)
    assert (said.returncode, said.stdout, said.stderr) == (0, f"polydesk {__version__}\n", "")


def test_the_module_can_be_run(installation: Path, tmp_path: Path) -> None:
    said = run(installation / "bin" / "python", "-m", "polydesk.server", "--help", state=tmp_path)
    assert said.returncode == 0
    assert said.stdout.startswith("usage: polydesk")


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_an_address_that_other_machines_reach_is_refused(
    command: tuple[str, ...], tmp_path: Path, transport: str
) -> None:
    said = run(*command, "serve", "--transport", transport, "--host", "0.0.0.0", "--port", "0", state=tmp_path)
    assert said.returncode == 2
    assert "reached from other machines" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_demo_plays(command: tuple[str, ...], tmp_path: Path) -> None:
    played = run(*command, "demo", state=tmp_path)
    assert played.returncode == 0, played.stderr
    assert "Every number came from a tool." in " ".join(played.stdout.split())


def test_setup_configures_a_host_with_the_installed_command(
    command: tuple[str, ...], installation: Path, tmp_path: Path
) -> None:
    config = tmp_path / "claude_desktop_config.json"
    config.write_text('{"mcpServers": {"other": {"command": "other"}}}')
    done = run(*command, "setup", "--host", "claude-desktop", "--config", config, state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"polydesk {__version__} answered with" in done.stdout
    assert str(installation) in config.read_text()
    assert config.with_name(f"{config.name}.backup-1").is_file()


def test_setup_leaves_a_broken_file_alone(command: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "claude_desktop_config.json"
    config.write_text('{"mcpServers": {')
    done = run(*command, "setup", "--host", "claude-desktop", "--config", config, state=tmp_path)
    assert done.returncode == 2
    assert config.read_text() == '{"mcpServers": {'
    assert list(tmp_path.iterdir()) == [config]
