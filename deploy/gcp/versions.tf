terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # Firestore, BigQuery and IAM then count towards the quota of this project, not of whoever applies.
  billing_project       = var.project
  user_project_override = true
}
