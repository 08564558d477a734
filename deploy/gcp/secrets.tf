# The program reads its secrets itself (GOOGLE_CLOUD_PROJECT names where), instead of being handed them in
# its environment: a key is changed by adding a version, without a deployment; a secret without a value
# counts as not set, where Cloud Run would refuse to start; and no secret is named in the job at all.
# Values never pass through Terraform, so that its state holds none:
#   printf %s "$VALUE" | gcloud secrets versions add NAME --data-file=-
resource "google_secret_manager_secret" "setting" {
  for_each = var.secrets

  secret_id = each.key

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.needed]
}

# sentinel.toml is not secret: this is how a job is handed a file.
resource "google_secret_manager_secret" "strategies" {
  count = var.strategies_file == null ? 0 : 1

  secret_id = "${var.name}-toml"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_version" "strategies" {
  count = var.strategies_file == null ? 0 : 1

  secret      = google_secret_manager_secret.strategies[0].id
  secret_data = file(var.strategies_file)
}

resource "google_secret_manager_secret_iam_member" "runner_reads_strategies" {
  count = var.strategies_file == null ? 0 : 1

  secret_id = google_secret_manager_secret.strategies[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runner.member
}
