# Deployments from GitHub: no key exists. GitHub states which repository and which environment a workflow runs
# in, and Google lends the deployer's rights for an hour to those alone that the condition names.
locals {
  github = toset(var.github_repository_id == null ? [] : [var.github_repository_id])
}

resource "google_iam_workload_identity_pool" "github" {
  for_each = local.github

  workload_identity_pool_id = "${var.name}-github"
  display_name              = "GitHub Actions"

  depends_on = [google_project_service.needed]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  for_each = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  display_name                       = "GitHub Actions"

  attribute_condition = "assertion.repository_id == '${each.key}' && assertion.environment == '${var.github_environment}'"
  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "deployer" {
  for_each = local.github

  account_id   = "${var.name}-deploy"
  display_name = "Crypto Sentinel: deploys images"

  depends_on = [google_project_service.needed]
}

resource "google_service_account_iam_member" "github_is_deployer" {
  for_each = local.github

  service_account_id = google_service_account.deployer[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[each.key].name}/attribute.repository_id/${each.key}"
}

resource "google_artifact_registry_repository_iam_member" "deployer_pushes" {
  for_each = local.github

  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deployer[each.key].member
}

resource "google_cloud_run_v2_job_iam_member" "deployer_updates" {
  for_each = local.github

  name     = google_cloud_run_v2_job.sentinel.name
  location = google_cloud_run_v2_job.sentinel.location
  role     = "roles/run.developer"
  member   = google_service_account.deployer[each.key].member
}

# Whoever changes a job must be allowed to act as the account that it runs as.
resource "google_service_account_iam_member" "deployer_acts_as_runner" {
  for_each = local.github

  service_account_id = google_service_account.runner.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer[each.key].member
}

# Who waits for an execution reads it, and an execution has no policy of its own.
resource "google_project_iam_custom_role" "waits" {
  for_each = local.github

  role_id     = "${replace(var.name, "-", "_")}_waits"
  title       = "Crypto Sentinel: waits for executions"
  permissions = ["run.executions.get", "run.executions.list"]

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "deployer_waits" {
  for_each = local.github

  project = var.project
  role    = google_project_iam_custom_role.waits[each.key].id
  member  = google_service_account.deployer[each.key].member
}
