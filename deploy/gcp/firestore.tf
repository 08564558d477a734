# What is indexed and what is deleted when its time has passed is stated once, for this and for firebase.
locals {
  firestore = jsondecode(file("${path.module}/../firestore/firestore.indexes.json"))
}

resource "google_firestore_database" "signals" {
  name                              = var.firestore_database
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"

  depends_on = [google_project_service.needed]
}

resource "google_firestore_index" "composite" {
  for_each = {
    for index in local.firestore.indexes :
    join("-", concat([index.collectionGroup], index.fields[*].fieldPath)) => index
  }

  database    = google_firestore_database.signals.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path = fields.value.fieldPath
      order      = fields.value.order
    }
  }
}

resource "google_firestore_field" "override" {
  for_each = {
    for field in local.firestore.fieldOverrides : "${field.collectionGroup}-${field.fieldPath}" => field
  }

  database   = google_firestore_database.signals.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes

      content {
        order       = indexes.value.order
        query_scope = indexes.value.queryScope
      }
    }
  }

  dynamic "ttl_config" {
    for_each = try(each.value.ttl, false) ? [true] : []

    content {}
  }
}
