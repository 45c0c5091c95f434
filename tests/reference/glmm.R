# Writes glmm.json: what rma.glmm answers for each data set in data/ (binomial-normal model, maximum likelihood).
# Run it in this folder: Rscript glmm.R

suppressMessages(library(metafor))

number <- function(x) ifelse(is.finite(x), sprintf("%.15g", x), "null")
word <- function(x) encodeString(x, quote = '"')
object <- function(...) {
  fields <- list(...)
  paste0("{", paste0(word(names(fields)), ": ", unlist(fields), collapse = ", "), "}")
}

# lme4 stops where steps are small, not where the slope is none: a tight control brings it nearer to the maximum.
control <- list(optCtrl = list(maxfun = 1e6), tolPwrss = 1e-12)

absent <- character()
fits <- list()
for (file in sort(list.files("data", pattern = "csv$"))) {
  name <- sub(".csv$", "", file)
  data <- read.csv(file.path("data", file))
  fit <- tryCatch(
    suppressWarnings(rma.glmm(measure = "PLO", xi = data$events, ni = data$n, method = "ML", nAGQ = 50,
                              control = control)),
    error = function(condition) {
      absent <<- c(absent, object(case = word(name), reason = word(trimws(conditionMessage(condition)))))
      NULL
    }
  )
  if (!is.null(fit)) {
    fits[[name]] <- object(
      beta = number(fit$beta), se = number(fit$se), tau2 = number(fit$tau2), q = number(fit$QE.LRT),
      q_p = number(fit$QEp.LRT), i2 = number(fit$I2), h2 = number(fit$H2)
    )
  }
}

writeLines(paste0("{\n  ", paste(c(
  paste0('"r": ', word(paste(R.version$major, R.version$minor, sep = "."))),
  paste0('"metafor": ', word(as.character(packageVersion("metafor")))),
  paste0('"lme4": ', word(as.character(packageVersion("lme4")))),
  paste0('"fits": {\n    ', paste0(word(names(fits)), ": ", unlist(fits), collapse = ",\n    "), "\n  }"),
  paste0('"absent": [', paste(absent, collapse = ", "), "]")
), collapse = ",\n  "), "\n}"), "glmm.json")
