output "job" {
  description = "The job, as gcloud run jobs names it."
  value       = google_cloud_run_v2_job.sentinel.name
}

output "repository" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "runner" {
  description = "The account that the job runs as."
  value       = google_service_account.runner.email
}

output "secrets_to_fill" {
  description = "The secrets that wait for a value: gcloud secrets versions add NAME --data-file=-"
  value       = sort(keys(google_secret_manager_secret.setting))
}

output "github_variables" {
  description = "What GitHub's environment has to know: the variables that deploy.yml reads."
  value = { for id in local.github : "variables" => {
    GCP_DEPLOYER                   = google_service_account.deployer[id].email
    GCP_JOB                        = google_cloud_run_v2_job.sentinel.name
    GCP_PROJECT                    = var.project
    GCP_REGION                     = var.region
    GCP_REPOSITORY                 = google_artifact_registry_repository.images.repository_id
    GCP_WORKLOAD_IDENTITY_PROVIDER = google_iam_workload_identity_pool_provider.github[id].name
  } }
}
