"""What is shipped for Google Cloud holds together, grants no more than it must, and names our settings."""

import datetime as dt
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.config import Settings
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.calendars import MarketCalendar
from deploy.gcp_files import (
    GCP,
    INDEXES,
    META,
    PROVIDER,
    container,
    local,
    manifest,
    parsed,
    resource,
    resources,
    terraform,
    variables,
)

NAMES = {name.upper() for name in Settings.model_fields}
SECRET = {
    name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in repr(field.annotation)
}
ALL = list(resources())
IDS = [f"{kind}.{name}" for kind, name, _ in ALL]
TEXT = "\n".join(path.read_text() for path in sorted(GCP.glob("*.tf")))
needs_terraform = pytest.mark.skipif(
    not (shutil.which("terraform") or os.environ.get("CI")), reason="terraform is not installed"
)


def wrong(given: dict[str, Any], known: dict[str, Any], where: str) -> list[str]:
    """Arguments that the provider does not know, and those that it asks for in vain."""
    taken = {name.rstrip("!"): inner for name, inner in known.items()}
    blocks = dict(given)
    for entry in blocks.pop("dynamic", []):
        blocks |= {name: inner["content"] for name, inner in entry.items()}
    found = [f"{where}.{name}: unknown" for name in blocks if name not in taken]
    found += [
        f"{where}.{name[:-1]}: missing" for name in known if name.endswith("!") and name[:-1] not in blocks
    ]
    for name, value in blocks.items():
        inner = taken.get(name)
        for block in value if isinstance(value, list) and isinstance(inner, dict) else []:
            found += wrong(block, inner, f"{where}.{name}")
    return found


@pytest.mark.parametrize(("kind", "name", "arguments"), ALL, ids=IDS)
def test_every_argument_is_one_that_the_provider_takes(
    kind: str, name: str, arguments: dict[str, Any]
) -> None:
    """Names at every depth, and nothing left out that is required."""
    given = {argument: value for argument, value in arguments.items() if argument not in META}
    assert wrong(given, PROVIDER[kind]["arguments"], f"{kind}.{name}") == []


def test_every_reference_is_to_a_resource_and_something_that_it_tells() -> None:
    """Across all files; what a map of resources holds is told by each of them."""
    there = {(kind, name) for kind, name, _ in ALL}
    for kind, name, rest in re.findall(r"\b(google_\w+)\.(\w+)((?:\[[^]]*\]|\.\w+)*)", TEXT):
        assert (kind, name) in there, f"{kind}.{name}"
        attribute = re.search(r"\.(\w+)", re.sub(r"\[[^]]*\]", "", rest))
        takes = {argument.rstrip("!") for argument in PROVIDER[kind]["arguments"]}
        assert attribute is None or attribute[1] in takes | {*PROVIDER[kind]["computed"]}, f"{kind}{rest}"


def test_the_provider_is_pinned_to_the_version_that_was_looked_at() -> None:
    """Another one may take other arguments."""
    (needed,) = parsed("versions.tf")["terraform"][0]["required_providers"]
    source = json.loads((Path(__file__).parent / "google_provider.json").read_text())["source"]
    assert source.startswith(f"{needed['google']['source']} {needed['google']['version']},")


@needs_terraform
def test_terraform_would_write_the_files_as_they_are() -> None:
    """``terraform fmt``."""
    said = terraform("fmt", "-check", "-diff", "-recursive", at=GCP)
    assert (said.returncode, said.stdout) == (0, "")


@pytest.fixture
def variables_alone(tmp_path: Path) -> Path:
    """The variables in a folder of their own: they need no provider to be judged."""
    shutil.copy(GCP / "variables.tf", tmp_path)
    return tmp_path


def refused(folder: Path, values: dict[str, Any]) -> set[str]:
    """The variables whose values Terraform does not take."""
    (folder / "terraform.tfvars.json").write_text(json.dumps(values))
    said = terraform("plan", "-no-color", "-input=false", at=folder)
    return set(re.findall(r"\bvar\.(\w+) is ", said.stderr))


BAD = {
    "project": "My Project",
    "region": "europe",
    "name": "a-name-that-is-much-too-long",
    "image": "repository/sentinel:latest",
    "alert_email": "nobody",
    "run_budget_seconds": 7200,
    "settings": {"DISCORD_BOT_TOKEN": "x"},
    "secrets": ["webhook"],
    "strategies_file": "/nowhere/sentinel.toml",
    "firestore_database": "Signals",
    "dataset": "crypto-sentinel",
    "github_repository_id": "owner/name",
    "github_environment": "it's",
}
GOOD = {
    "project": "my-project-1",
    "image": f"us-central1-docker.pkg.dev/my-project-1/crypto-sentinel/sentinel@sha256:{'0' * 64}",
    "alert_email": "me@example.com",
}


@needs_terraform
def test_a_value_that_cannot_be_right_is_refused(variables_alone: Path) -> None:
    """Before anything is made: each variable that has a rule, by a value that breaks it."""
    ruled = {name for name, said in variables().items() if "validation" in said}
    assert ruled == BAD.keys()
    assert refused(variables_alone, BAD) == ruled


@needs_terraform
def test_what_has_to_be_given_is_enough(variables_alone: Path) -> None:
    """The defaults pass their own rules."""
    assert refused(variables_alone, GOOD) == set()


def test_the_example_gives_what_has_to_be_given() -> None:
    """And nothing that does not exist."""
    lines = (GCP / "terraform.tfvars.example").read_text().splitlines()
    named = {line.removeprefix("# ").split("=")[0].strip() for line in lines if "=" in line}
    needed = {name for name, said in variables().items() if "default" not in said}
    assert needed <= named <= variables().keys()


def test_no_secret_passes_through_terraform() -> None:
    """Its state would hold it: what is secret is refused as a setting, and no version of a secret is made."""
    assert [name for kind, name, _ in ALL if kind == "google_secret_manager_secret_version"] == ["strategies"]
    (rule,) = re.findall(r'!can\(regex\("([^"]+)", name\)\)', (GCP / "variables.tf").read_text())
    assert {name for name in SECRET if not re.search(rule, name)} == {"STORE_URL"}


def test_what_is_kept_in_secret_manager_are_settings_that_are_secret() -> None:
    """By their exact names, which the program asks for."""
    assert set(variables()["secrets"]["default"]) <= SECRET


def test_every_variable_of_the_environment_is_a_setting() -> None:
    """A misspelt one would go unheeded."""
    assert set(local("job.tf", "environment")) <= NAMES
    assert set(re.findall(r"\{ ([A-Z_]+) = ", local("job.tf", "strategies"))) <= NAMES | {"SENTINEL_CONFIG"}


ROLES = {
    ("google_project_iam_member", "roles/datastore.user"),
    ("google_project_iam_member", "roles/bigquery.jobUser"),
    ("google_project_iam_member", "${google_project_iam_custom_role.waits[each.key].id}"),
    ("google_secret_manager_secret_iam_member", "roles/secretmanager.secretAccessor"),
    ("google_bigquery_dataset_iam_member", "roles/bigquery.dataEditor"),
    ("google_cloud_run_v2_job_iam_member", "roles/run.invoker"),
    ("google_cloud_run_v2_job_iam_member", "roles/run.developer"),
    ("google_artifact_registry_repository_iam_member", "roles/artifactregistry.writer"),
    ("google_service_account_iam_member", "roles/iam.workloadIdentityUser"),
    ("google_service_account_iam_member", "roles/iam.serviceAccountUser"),
}


def test_no_account_may_do_more_than_this() -> None:
    """Each role where it is bound: a new one has to be thought about, and added here."""
    assert {(kind, said["role"]) for kind, _, said in ALL if "_iam_" in kind and "role" in said} == ROLES


def test_signals_are_read_and_written_in_one_database_alone() -> None:
    """The role holds for a project; the condition narrows it."""
    (condition,) = resource("google_project_iam_member", "runner_reads_and_writes_signals")["condition"]
    assert "google_firestore_database.signals.name" in condition["expression"]


def test_only_one_repository_and_one_environment_may_deploy() -> None:
    """Any workflow on GitHub gets a token from the same issuer."""
    condition = resource("google_iam_workload_identity_pool_provider", "github")["attribute_condition"]
    assert condition == (
        "assertion.repository_id == '${each.key}' && assertion.environment == '${var.github_environment}'"
    )


def test_the_manifest_is_the_job_of_terraform() -> None:
    """Where they overlap: limits, retries, the command, and the names in the environment."""
    ours = container()
    task = manifest()["template"]["spec"]
    (theirs,) = task["containers"]
    assert theirs["resources"]["limits"] == ours["resources"][0]["limits"]
    assert [theirs["command"], theirs["args"]] == [ours["command"], ours["args"]]
    assert sorted(entry["name"] for entry in theirs["env"]) == sorted(local("job.tf", "environment"))
    job = resource("google_cloud_run_v2_job", "sentinel")["template"][0]
    assert task["maxRetries"] == job["template"][0]["max_retries"] == 0
    assert (
        manifest()["taskCount"] == job["task_count"] == manifest()["parallelism"] == job["parallelism"] == 1
    )


def test_what_is_said_by_value_is_the_same_in_both() -> None:
    """Values that depend on no variable, and the defaults of those that do."""
    theirs = {
        entry["name"]: entry["value"] for entry in manifest()["template"]["spec"]["containers"][0]["env"]
    }
    ours = {name: value for name, value in local("job.tf", "environment").items() if "${" not in value}
    assert {name: theirs[name] for name in ours} == ours
    assert theirs["RUN_BUDGET_SECONDS"] == str(variables()["run_budget_seconds"]["default"])
    assert theirs["TEST_MODE"] == str(variables()["test_mode"]["default"]).lower()
    assert theirs["WAREHOUSE_URL"].endswith(f"/{variables()['dataset']['default']}")


def test_a_task_is_not_ended_before_its_run_has_used_its_budget() -> None:
    """With three minutes more for what comes before and after, in both."""
    budget = variables()["run_budget_seconds"]["default"]
    assert budget == Settings.model_fields["run_budget_seconds"].default
    timeout = resource("google_cloud_run_v2_job", "sentinel")["template"][0]["template"][0]["timeout"]
    assert timeout == "${var.run_budget_seconds + 180}s"
    assert int(manifest()["template"]["spec"]["timeoutSeconds"]) == budget + 180


def test_indexes_and_times_to_live_come_from_the_file_that_firebase_deploys() -> None:
    """One source; each of its entries becomes one resource of its own name."""
    path = re.search(r'file\("\$\{path\.module\}/([^"]+)"\)', (GCP / "firestore.tf").read_text())
    assert path is not None
    assert (GCP / path[1]).resolve() == INDEXES
    said = json.loads(INDEXES.read_text())
    names = [
        "-".join([i["collectionGroup"], *(f["fieldPath"] for f in i["fields"])]) for i in said["indexes"]
    ]
    fields = [f"{field['collectionGroup']}-{field['fieldPath']}" for field in said["fieldOverrides"]]
    assert len({*names}) == len(names)
    assert len({*fields}) == len(fields)
    assert all(
        {*field} <= {"collectionGroup", "fieldPath", "ttl", "indexes"} for field in said["fieldOverrides"]
    )


def moments(name: str, day: dt.date) -> list[dt.datetime]:
    """When the schedules of this name come due on a day."""
    due = []
    for key, said in local("schedule.tf", "schedules").items():
        minutes, hour, *_ = said["cron"].split()
        zone = ZoneInfo(said["zone"])
        times = [dt.time(int(hour), int(minute), tzinfo=zone) for minute in minutes.split(",")]
        due += [dt.datetime.combine(day, time) for time in times if key.startswith(name)]
    return sorted(due)


@pytest.mark.parametrize(
    ("name", "kind", "day", "bar"),
    [
        ("crypto", AssetClass.CRYPTO, dt.date(2026, 3, 2), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
        ("stocks", AssetClass.EQUITY, dt.date(2026, 3, 6), dt.datetime(2026, 3, 6, tzinfo=dt.UTC)),
        ("stocks", AssetClass.EQUITY, dt.date(2026, 3, 9), dt.datetime(2026, 3, 9, tzinfo=dt.UTC)),
        ("stocks", AssetClass.EQUITY, dt.date(2026, 11, 27), dt.datetime(2026, 11, 27, tzinfo=dt.UTC)),
    ],
    ids=["crypto", "winter", "summer time", "half day"],
)
def test_runs_are_due_when_the_bar_is_known(
    name: str, kind: AssetClass, day: dt.date, bar: dt.datetime
) -> None:
    """Three of them, 15 and 55 minutes after the first; on a half day later than need be, yet that day."""
    stamps = np.array([as_ts64(bar)], "datetime64[us]")
    (known,) = (as_datetime(ts) for ts in MarketCalendar().known_at(kind, Timeframe("1Day"), stamps))
    first, second, third = moments(name, day)
    half = dt.timedelta(hours=3) if day == dt.date(2026, 11, 27) else dt.timedelta(0)
    assert dt.timedelta(0) < first - known - half <= dt.timedelta(minutes=5)
    assert [second - first, third - first] == [dt.timedelta(minutes=15), dt.timedelta(minutes=55)]


def test_nothing_is_deleted_by_an_apply_that_holds_signals() -> None:
    """Protected, and to be had back as of any minute of the last week."""
    database = resource("google_firestore_database", "signals")
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert "delete_contents_on_destroy" not in resource("google_bigquery_dataset", "warehouse")


def test_every_alert_reaches_somebody_and_says_what_to_do() -> None:
    """A failed run, no success, an error in the log."""
    alerts = [said for kind, _, said in ALL if kind == "google_monitoring_alert_policy"]
    assert len(alerts) == 3
    for said in alerts:
        assert said["notification_channels"]
        assert "${local.look}" in said["documentation"][0]["content"]
