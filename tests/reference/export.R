# Writes export.json: what metafor pools of a table that herbtc.export wrote, read as R reads any CSV.
# Run it in this folder: Rscript export.R; or, for another table and another answer: Rscript export.R rates.csv answer.json

suppressMessages(library(metafor))

given <- commandArgs(trailingOnly = TRUE)
table <- if (length(given) > 0) given[1] else "export/rates.csv"
answer <- if (length(given) > 1) given[2] else "export.json"

rows <- read.csv(table)
stopifnot(is.numeric(rows$events), is.numeric(rows$n), is.numeric(rows$sei), !anyDuplicated(rows$study))

number <- function(x) sprintf("%.15g", x)
pooled <- function(fit) {
  shown <- predict(fit, transf = transf.ilogit)
  sprintf(
    '{"k": %d, "beta": %s, "se": %s, "tau2": %s, "estimate": %s, "conf_low": %s, "conf_high": %s}',
    fit$k, number(c(fit$beta)), number(fit$se), number(fit$tau2), number(shown$pred), number(shown$ci.lb),
    number(shown$ci.ub)
  )
}

# The same control as in metafor.R: iterations stop at changes that are small beside the variances.
control <- list(threshold = 1e-13 * median(rows$sei^2), maxiter = 100000)
from_counts <- rma(measure = "PLO", xi = events, ni = n, data = rows, method = "REML", test = "adhoc", control = control)
inverse_variance <- rma(yi, sei = sei, data = rows, method = "REML", test = "adhoc", control = control)

writeLines(c(
  "{",
  sprintf(
    '"versions": {"R": "%s", "metafor": "%s"},',
    paste(R.version$major, R.version$minor, sep = "."), packageDescription("metafor")$Version
  ),
  sprintf('"studies": [%s],', paste(ifelse(is.na(rows$study), "null", encodeString(rows$study, quote = '"')), collapse = ", ")),
  paste0('"from_counts": ', pooled(from_counts), ","),
  paste0('"inverse_variance": ', pooled(inverse_variance)), "}"
), answer)
