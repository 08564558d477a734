"""The step-by-step for Google Cloud makes by hand what Terraform makes, and names what exists."""

import re

import pytest

from crypto_signals.config import Settings
from deploy.gcp_files import DEPLOY, local, manifest, parsed, resources
from deploy.workflow_files import ROOT

PAGE = ROOT / "docs" / "how-to" / "google-cloud.md"
TEXT = PAGE.read_text()
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
OTHERS = {
    "LOCK",
    "EXECUTION",
    "IMAGE",
    "VALUE",
    "UPDATE_TIME",
    "PROJECT",
    "REGION",
    "RUNNER",
    "CLOCK",
    "REPOSITORY",
}
OTHERS |= {"OWNER", "NUMBER", "ABOVE", "FROM", "SCHEMA", "GRANT", "HEAD", "CPU"}


def test_every_setting_named_exists() -> None:
    """A misspelt one would be copied into a configuration."""
    named = set(re.findall(r"\b[A-Z][A-Z_]{2,}\b", TEXT)) - OTHERS
    words = {word for word in named if "_" in word}
    assert sorted(words - {name.upper() for name in Settings.model_fields}) == []


def test_by_hand_runs_are_due_when_terraform_starts_them() -> None:
    """The same names, times and zones; the text says the same in words."""
    by_hand = re.findall(r'^schedule (\S+)\s+"([^"]+)"\s+(\S+)$', BLOCKS, re.MULTILINE)
    schedules = local("schedule.tf", "schedules")
    assert {name: (cron, zone) for name, cron, zone in by_hand} == {
        name: (said["cron"], said["zone"]) for name, said in schedules.items()
    }
    for said in schedules.values():
        minutes, hour, *_ = said["cron"].split()
        assert all(f"{int(hour):02}:{int(minute):02}" in TEXT for minute in minutes.split(","))


def test_by_hand_accounts_may_do_what_terraform_lets_them_and_no_more() -> None:
    """But for the deployer, which GitHub alone needs."""
    by_hand = set(re.findall(r"roles/[\w.]+", BLOCKS))
    deployer = {"roles/iam.workloadIdentityUser", "roles/iam.serviceAccountUser"}
    deployer |= {"roles/run.developer", "roles/artifactregistry.writer"}
    granted = {said["role"] for kind, _, said in resources() if "_iam_" in kind and "role" in said}
    assert by_hand == {role for role in granted if role.startswith("roles/")} - deployer


def test_by_hand_every_service_that_the_steps_use_is_turned_on() -> None:
    """Those that Terraform turns on beyond them are for Terraform itself, alerts and GitHub."""
    by_hand = set(re.findall(r"\w+\.googleapis\.com", BLOCKS.split("gcloud artifacts")[0]))
    needed = next(r for kind, _, r in resources() if kind == "google_project_service")["for_each"]
    assert by_hand <= set(re.findall(r"\w+\.googleapis\.com", str(needed)))


@pytest.mark.parametrize("name", ["crypto-sentinel", "crypto-sentinel-runner", "crypto-sentinel-clock"])
def test_names_are_those_of_terraform(name: str) -> None:
    """A reader may go from one way to the other."""
    variables = {key: said for entry in parsed("variables.tf")["variable"] for key, said in entry.items()}
    made = {
        said["account_id"].replace("${var.name}", variables["name"]["default"])
        for kind, _, said in resources()
        if kind == "google_service_account"
    }
    assert name in {*made, variables["name"]["default"]}
    assert name in BLOCKS


def test_what_the_manifest_leaves_open_is_set_before_it_is_filled_in() -> None:
    """``envsubst`` puts nothing where nothing is set, and says nothing."""
    left = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "gcp" / "job.yaml").read_text()))
    before = BLOCKS.split("envsubst")[0]
    assert all(re.search(rf"export [^\n]*\b{name}\b", before) for name in left)
    assert manifest()["template"]["spec"]["serviceAccountName"] == (
        "crypto-sentinel-runner@${PROJECT}.iam.gserviceaccount.com"
    )


def test_every_page_linked_exists() -> None:
    """Relative to this one."""
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
