# A bar of crypto is known a minute after midnight UTC, one of stocks 20 minutes after the close of its
# session. Runs are due 5, 20 and 60 minutes after the close, and for stocks after the bar is known: before
# that there is nothing to see. The first finds what is new, the others recover what could not be done.
# On a half day (close at 13:00) the bar waits until 16:25; its signals are entered at the next open all the
# same. On a holiday a run only recovers. Runs may overlap: the lease in the store decides.
locals {
  schedules = {
    crypto          = { cron = "5,20 0 * * *", zone = "Etc/UTC", wanted = true }
    crypto-recovery = { cron = "0 1 * * *", zone = "Etc/UTC", wanted = true }
    stocks          = { cron = "25,40 16 * * 1-5", zone = "America/New_York", wanted = var.equity_symbols != "" }
    stocks-recovery = { cron = "20 17 * * 1-5", zone = "America/New_York", wanted = var.equity_symbols != "" }
  }
}

resource "google_cloud_scheduler_job" "run" {
  for_each = { for name, schedule in local.schedules : name => schedule if schedule.wanted }

  name             = "${var.name}-${each.key}"
  region           = var.region
  schedule         = each.value.cron
  time_zone        = each.value.zone
  attempt_deadline = "60s"

  # Starting it twice is harmless, not starting it is not.
  retry_config {
    retry_count          = 3
    min_backoff_duration = "10s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.sentinel.id}:run"

    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler_runs]
}
