"""The fixtures in the suites of other programs, each run by a pytest of its own."""

import importlib
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite with this plugin only, on a machine whose settings lead elsewhere."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_PLUGINS", "kmslab.pytest_plugin")
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-is-not-there")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def run(suite: pytest.Pytester, program: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(program)
    return suite.runpytest_subprocess("-q", *arguments)


def test_package_offers_the_plugin_to_pytest():
    plugin = PROJECT["entry-points"]["pytest11"]["kmslab"]
    module = importlib.import_module(plugin)
    assert {"kms_lab", "kms_endpoint"} <= vars(module).keys()


def test_suite_that_uses_neither_fixture_imports_nothing(suite: pytest.Pytester):
    run(
        suite,
        """
        import sys

        def test_nothing_heavy_is_there():
            heavy = {"boto3", "botocore", "uvicorn", "sqlalchemy", "cryptography", "typer", "yaml"}
            assert not heavy & set(sys.modules)
            assert {name for name in sys.modules if name.startswith("kmslab")} == {
                "kmslab", "kmslab.pytest_plugin"
            }
        """,
    ).assert_outcomes(passed=1)


def test_each_test_has_a_lab_of_its_own(suite: pytest.Pytester):
    run(
        suite,
        """
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it_is_fresh(kms_lab, turn):
            assert kms_lab.kms.list_keys()["Keys"] == []
            kms_lab.create_cmk("orders")
        """,
    ).assert_outcomes(passed=2)


def test_boto3_finds_the_endpoint_and_forgets_it(suite: pytest.Pytester):
    run(
        suite,
        """
        import os
        import boto3
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_program(kms_lab, kms_endpoint, turn):
            key = boto3.client("kms").create_key()["KeyMetadata"]
            assert kms_lab.cmk(key["KeyId"]).arn == key["Arn"]
            assert boto3.client("sts").get_caller_identity()["Account"] == "111122223333"
            assert os.environ["AWS_ENDPOINT_URL_KMS"] == kms_endpoint.url

        def test_afterwards():
            assert boto3.DEFAULT_SESSION is None
            assert "AWS_ENDPOINT_URL_KMS" not in os.environ
            assert os.environ["AWS_PROFILE"] == "a-profile-that-is-not-there"
            assert os.environ.get("NO_PROXY") == os.environ.get("no_proxy")
        """,
    ).assert_outcomes(passed=3)


def test_programs_that_a_test_starts_find_it_too(suite: pytest.Pytester):
    run(
        suite,
        """
        import subprocess
        import sys

        def test_program(kms_lab, kms_endpoint):
            kms_lab.create_cmk("orders")
            program = "import boto3; boto3.client('kms').describe_key(KeyId='alias/orders')"
            subprocess.run([sys.executable, "-c", program], check=True)
        """,
    ).assert_outcomes(passed=1)


def test_lab_of_the_suites_own_is_served(suite: pytest.Pytester):
    suite.makefile(".yaml", seed="keys: [{id: 1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01}]")
    run(
        suite,
        """
        import boto3
        import pytest
        from kmslab import Lab

        @pytest.fixture
        def kms_lab():
            with Lab.from_seed("seed.yaml") as lab:
                yield lab

        def test_key_is_there(kms_endpoint):
            found = boto3.client("kms").list_keys()["Keys"]
            assert [key["KeyId"] for key in found] == ["1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01"]
        """,
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["session", pytest.param("module", marks=pytest.mark.long)])
def test_one_endpoint_may_serve_many_tests(suite: pytest.Pytester, scope: str):
    suite.makeini(f"[pytest]\nfilterwarnings = error\nkms_scope = {scope}\n")
    run(
        suite,
        """
        import pytest

        SEEN = set()

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it_is_the_same(kms_lab, kms_endpoint, turn):
            SEEN.add(kms_endpoint.url)
            assert len(SEEN) == 1
            kms_lab.create_cmk("orders")
            assert len(kms_lab.kms.list_keys()["Keys"]) == 1
        """,
    ).assert_outcomes(passed=2)


@pytest.mark.long
def test_processes_of_xdist_have_an_endpoint_each(suite: pytest.Pytester):
    suite.makepyfile(
        """
        import boto3
        import pytest

        @pytest.mark.parametrize("turn", range(4))
        def test_it_is_mine(kms_endpoint, turn):
            boto3.client("kms").create_key()
            assert len(boto3.client("kms").list_keys()["Keys"]) == 1
        """
    )
    result = suite.runpytest_subprocess("-q", "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=4)


def test_a_coroutine_may_call_the_endpoint(suite: pytest.Pytester):
    suite.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    suite.makepyfile(
        """
        import asyncio
        import boto3

        async def test_it_answers(kms_lab, kms_endpoint):
            made = await asyncio.to_thread(boto3.client("kms").create_key)
            assert kms_lab.cmk(made["KeyMetadata"]["Arn"]).state == "Enabled"
        """
    )
    result = suite.runpytest_subprocess("-q", "-p", "pytest_asyncio.plugin")
    result.assert_outcomes(passed=1)
