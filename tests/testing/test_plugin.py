"""The package of cookbook/plugin, installed as a stranger would install it, passes its own tests and is found by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "cookbook" / "plugin"
pytest.importorskip("hatchling")
pytestmark = pytest.mark.slow


def run(*command, where, installed):
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("ACME_API_KEY", None)
    ran = subprocess.run([sys.executable, *command], cwd=where, env=env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The package's folder, a copy, and the folder into which it was installed."""
    folder, installed = tmp_path_factory.mktemp("plugin") / "chainkit-acme", tmp_path_factory.mktemp("installed")
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    run("-m", "pip", "install", "-q", *offline, "--target", str(installed), str(folder), where=folder, installed="")
    return folder, installed


def test_an_installed_package_is_a_provider_by_its_name_alone(plugin):
    _folder, installed = plugin
    program = "from chainkit import model; print(model('acme:acme-large', api_key='k').render('hi')[0].url)"
    told = run("-c", program, where=installed, installed=installed)
    assert told == "https://api.acme.example/v1/talk\n"


def test_without_a_key_it_says_where_one_can_be_got(plugin):
    _folder, installed = plugin
    program = (
        "from chainkit import model, errors\ntry:\n model('acme:acme-large').invoke('hi')\n"
        "except errors.AuthenticationError as error:\n print(error)"
    )
    told = run("-c", program, where=installed, installed=installed)
    assert "ACME_API_KEY" in told
    assert "https://acme.example/keys" in told


def test_its_own_tests_pass_and_with_them_the_suite(plugin):
    folder, installed = plugin
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", where=folder, installed=installed)
    assert "passed" in told
    assert int(told.split(" passed")[0].split()[-1]) > 170
