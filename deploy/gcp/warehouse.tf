resource "google_bigquery_dataset" "warehouse" {
  dataset_id  = var.dataset
  location    = var.region
  description = "Closed signals of Crypto Sentinel with their events, outcomes and evidence"

  depends_on = [google_project_service.needed]
}
