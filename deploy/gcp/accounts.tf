# Who may do what. Each role is bound to the one thing that it is for; where Google allows a role on
# a project alone, the reason is named.

resource "google_service_account" "runner" {
  account_id   = "${var.name}-runner"
  display_name = "Crypto Sentinel: runs the job"

  depends_on = [google_project_service.needed]
}

resource "google_service_account" "scheduler" {
  account_id   = "${var.name}-clock"
  display_name = "Crypto Sentinel: starts the job"

  depends_on = [google_project_service.needed]
}

# Firestore knows no binding on a database: it is bound to the project, and a condition names the database.
resource "google_project_iam_member" "runner_reads_and_writes_signals" {
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.runner.member

  condition {
    title      = "This database alone"
    expression = "resource.name == \"projects/${var.project}/databases/${google_firestore_database.signals.name}\""
  }
}

resource "google_secret_manager_secret_iam_member" "runner_reads" {
  for_each = google_secret_manager_secret.setting

  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runner.member
}

resource "google_bigquery_dataset_iam_member" "runner_writes" {
  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runner.member
}

# Loads and queries are jobs, and jobs belong to a project.
resource "google_project_iam_member" "runner_starts_queries" {
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.runner.member
}

resource "google_cloud_run_v2_job_iam_member" "scheduler_runs" {
  name     = google_cloud_run_v2_job.sentinel.name
  location = google_cloud_run_v2_job.sentinel.location
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}
