variable "project" {
  description = "The id of an existing Google Cloud project with billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "This must be the id of a project, as in my-project-1."
  }
}

variable "region" {
  description = "Where the job runs, and where its images, signals and warehouse are kept."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "This must be a region, as in us-central1."
  }
}

variable "name" {
  description = "The name of the job; what belongs to it is named after it."
  type        = string
  default     = "crypto-sentinel"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,17}[a-z0-9]$", var.name))
    error_message = "This must be 4 to 19 lower-case letters, digits and hyphens: names of accounts are made of it."
  }
}

variable "image" {
  description = "The image of the first deployment, by digest. Later ones are the business of deploy.yml or gcloud."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "This must be NAME@sha256:DIGEST: a tag can be moved, a digest cannot."
  }
}

variable "alert_email" {
  description = "Who is told when a run fails, or when none has succeeded."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "This must be an e-mail address."
  }
}

variable "crypto_symbols" {
  description = "CRYPTO_SYMBOLS: which crypto pairs are looked at."
  type        = string
  default     = "BTC/USD,ETH/USD,LTC/USD"
}

variable "equity_symbols" {
  description = "EQUITY_SYMBOLS: which stocks are looked at; empty for none. They need Alpaca's keys."
  type        = string
  default     = ""
}

variable "test_mode" {
  description = "TEST_MODE: whether everything goes to the test channel."
  type        = bool
  default     = true
}

variable "run_budget_seconds" {
  description = "RUN_BUDGET_SECONDS: how long a run takes at most. The task is given three minutes more."
  type        = number
  default     = 540

  validation {
    condition     = var.run_budget_seconds >= 60 && var.run_budget_seconds <= 3420
    error_message = "This must be 60 to 3420 seconds: a run must be over before the next day's."
  }
}

variable "settings" {
  description = "Further settings that are not secret, by name, as in { COOLDOWN_HOURS = \"24\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[A-Z][A-Z_]+$", name))])
    error_message = "Settings are named in capitals, as in COOLDOWN_HOURS."
  }

  validation {
    condition     = alltrue([for name in keys(var.settings) : !can(regex("WEBHOOK|TOKEN|_KEY$|^DEADMAN_URL$|PUSHGATEWAY", name))])
    error_message = "Secrets go into Secret Manager: name them in the variable secrets."
  }
}

variable "secrets" {
  description = "The settings that are kept in Secret Manager. Their values are added by hand, and never pass through here."
  type        = set(string)
  default     = ["TEST_DISCORD_WEBHOOK", "ALPACA_API_KEY", "ALPACA_SECRET_KEY"]

  validation {
    condition     = alltrue([for name in var.secrets : can(regex("^[A-Z][A-Z_]+$", name))])
    error_message = "A secret has exactly the name of its setting, in capitals."
  }
}

variable "strategies_file" {
  description = "The path of a sentinel.toml to run with; without one the default strategy runs."
  type        = string
  default     = null

  validation {
    condition     = var.strategies_file == null || can(file(var.strategies_file))
    error_message = "This file cannot be read."
  }
}

variable "firestore_database" {
  description = "The database of the signals. A project has one free of charge."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.firestore_database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore_database))
    error_message = "This must be (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "dataset" {
  description = "The BigQuery dataset of closed signals. The program makes the tables."
  type        = string
  default     = "crypto_sentinel"

  validation {
    condition     = can(regex("^[A-Za-z0-9_]+$", var.dataset))
    error_message = "This must be letters, digits and underscores."
  }
}

variable "github_repository_id" {
  description = "The numeric id of the GitHub repository that may deploy; without one, none may."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository_id == null || can(regex("^[0-9]+$", var.github_repository_id))
    error_message = "This must be a number: a name can be given to another repository, an id cannot."
  }
}

variable "github_environment" {
  description = "The GitHub environment whose approval a deployment needs."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.github_environment))
    error_message = "This must be letters, digits, underscores and hyphens."
  }
}
