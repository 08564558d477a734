locals {
  store_path = var.firestore_database == "(default)" ? "" : "/${var.firestore_database}"

  # SENTINEL_HOME is the folder of the image, in memory and gone after each run: signals are in Firestore, and
  # bars are asked for anew.
  environment = {
    CRYPTO_SYMBOLS       = var.crypto_symbols
    ENVIRONMENT          = "PROD"
    EQUITY_SYMBOLS       = var.equity_symbols
    GOOGLE_CLOUD_PROJECT = var.project
    LOG_FORMAT           = "gcp"
    RUN_BUDGET_SECONDS   = tostring(var.run_budget_seconds)
    STORE_URL            = "firestore://${var.project}${local.store_path}"
    TEST_MODE            = tostring(var.test_mode)
    WAREHOUSE_URL        = "bigquery://${var.project}/${google_bigquery_dataset.warehouse.dataset_id}"
  }

  strategies = var.strategies_file == null ? {} : { SENTINEL_CONFIG = "/config/sentinel.toml" }

  # A setting that is empty is not set.
  given = { for name, value in merge(var.settings, local.strategies, local.environment) : name => value if value != "" }
}

resource "google_cloud_run_v2_job" "sentinel" {
  name                = var.name
  location            = var.region
  deletion_protection = false

  template {
    task_count  = 1
    parallelism = 1

    template {
      service_account = google_service_account.runner.email
      # A run that fails is not repeated at once: the next one, minutes later, recovers what it left.
      max_retries = 0
      # Beyond the budget of a run: start, the last deliveries, the warehouse. SIGTERM comes at its end, and
      # SIGKILL ten seconds later, within which the program ends by itself.
      timeout = "${var.run_budget_seconds + 180}s"

      containers {
        image   = var.image
        command = ["sentinel"]
        args    = ["run"]

        resources {
          limits = {
            cpu    = "1"
            memory = "1Gi"
          }
        }

        dynamic "env" {
          for_each = local.given

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "volume_mounts" {
          for_each = google_secret_manager_secret_version.strategies

          content {
            name       = "config"
            mount_path = "/config"
          }
        }
      }

      dynamic "volumes" {
        for_each = google_secret_manager_secret_version.strategies

        content {
          name = "config"

          secret {
            secret = volumes.value.secret

            items {
              path    = "sentinel.toml"
              version = "latest"
            }
          }
        }
      }
    }
  }

  # What was deployed since is not undone by a change of something else.
  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image, client, client_version]
  }

  # The first run finds everything that it needs.
  depends_on = [
    google_firestore_field.override,
    google_firestore_index.composite,
    google_project_iam_member.runner_reads_and_writes_signals,
    google_secret_manager_secret_iam_member.runner_reads,
    google_secret_manager_secret_iam_member.runner_reads_strategies,
  ]
}
