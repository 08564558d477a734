locals {
  of_the_job = "resource.type = \"cloud_run_job\" AND resource.labels.job_name = \"${var.name}\""
  executions = "${local.of_the_job} AND metric.type = \"run.googleapis.com/job/completed_execution_count\""
  look       = "Look with: gcloud run jobs executions list --job=${var.name} --region=${var.region}; then run sentinel health: gcloud run jobs execute ${var.name} --region=${var.region} --args=health --wait"
}

resource "google_monitoring_notification_channel" "people" {
  display_name = "Crypto Sentinel"
  type         = "email"

  labels = {
    email_address = var.alert_email
  }

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_alert_policy" "run_failed" {
  display_name          = "Crypto Sentinel: a run failed"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "An execution ended with an exit code other than 0"

    condition_threshold {
      filter          = "${local.executions} AND metric.labels.result = \"failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    content = "Exit code 1: done, but something failed, is owed or has an unknown outcome; the next run goes on. 2: its configuration. 3: the store, or no bars. ${local.look}"
  }
}

# Cloud Monitoring sees an absence of 23.5 hours at most. With runs at 00:05, 00:20 and 01:00 every day that is
# enough: the longest silence is 23 hours and 5 minutes where all is well.
resource "google_monitoring_alert_policy" "no_success" {
  display_name          = "Crypto Sentinel: no run has succeeded for a day"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "No execution ended with exit code 0"

    condition_absent {
      filter   = "${local.executions} AND metric.labels.result = \"succeeded\""
      duration = "84600s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "Nobody is told of signals. Is the scheduler on? gcloud scheduler jobs list --location=${var.region}. ${local.look}"
  }
}

resource "google_monitoring_alert_policy" "errors_logged" {
  display_name          = "Crypto Sentinel: an error was logged"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "A line of severity ERROR or above"

    condition_matched_log {
      filter = "${local.of_the_job} AND severity >= ERROR"
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    content = "The line says what happened and what to do. ${local.look}"
  }
}
