# Writes metafor.json: what metafor answers for each data set in data/ by measure, estimator of tau² and test.
# Run it in this folder: Rscript metafor.R

suppressMessages(library(metafor))

measures <- c("PLO", "PR", "PAS", "PFT", "PLN")
methods <- c("EE", "DL", "PM", "REML", "ML", "EB", "SJ", "HE", "HS")
tests <- c("z", "knha", "adhoc")

# --- as JSON, with 15 digits: far more than any tolerance asks for ---

number <- function(x) ifelse(is.finite(x), sprintf("%.15g", x), "null")
array <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
word <- function(x) encodeString(x, quote = '"')
object <- function(...) {
  fields <- list(...)
  paste0("{", paste0(word(names(fields)), ": ", unlist(fields), collapse = ", "), "}")
}

# --- fits ---

# metafor stops at absolute changes of tau², so they are set from the scale of the variances. `tol` stops uniroot, which
# PM uses; for ML and REML it is the tolerance of a check on the log-likelihood, which stays as it is.
control_for <- function(method, vi) {
  scale <- median(vi)
  switch(method,
    PM = list(tol = 1e-14 * scale, maxiter = 10000, tau2.max = 1e4),
    ML = , REML = , EB = list(threshold = 1e-13 * scale, maxiter = 100000),
    list()
  )
}

back_for <- function(measure, ni) {
  switch(measure,
    PLO = transf.ilogit,
    PR = identity,
    PAS = transf.iarcsin,
    PFT = function(x) transf.ipft.hm(x, targs = list(ni = ni)),
    PLN = exp
  )
}

# NULL where metafor stops or warns, with the reason kept.
absent <- character()
attempt <- function(what, expression) {
  note <- function(condition) {
    absent <<- c(absent, object(case = word(what), reason = word(trimws(conditionMessage(condition)))))
    NULL
  }
  tryCatch(expression, error = note, warning = note)
}

ends <- function(fit, transform) {
  shown <- predict(fit)
  back <- predict(fit, transf = transform)
  fields <- c("pred", "ci.lb", "ci.ub", "pi.lb", "pi.ub")
  value <- function(from, field) if (is.null(from[[field]])) NA else from[[field]]
  list(
    ends = array(sapply(fields[-1], function(field) value(shown, field))),
    back = array(sapply(fields, function(field) value(back, field)))
  )
}

effects <- fits <- character()
for (path in sort(list.files("data", pattern = "[.]csv$", full.names = TRUE))) {
  data <- sub("[.]csv$", "", basename(path))
  rows <- read.csv(path)
  for (measure in measures) {
    dat <- escalc(measure = measure, xi = events, ni = n, data = rows)
    case <- paste(data, measure)
    # The Q-profile interval and Q do not depend on the estimator: any random-effects fit has them.
    fit <- rma(yi, vi, data = dat, method = "DL")
    profile <- attempt(paste(case, "confint"), {
      control <- list(tol = 1e-14 * median(dat$vi), maxiter = 10000, tau2.min = 0, tau2.max = 1e5)
      confint(fit, control = control)$random["tau^2", c("ci.lb", "ci.ub")]
    })
    effects <- c(effects, object(
      data = word(data), measure = word(measure), yi = array(dat$yi), vi = array(dat$vi),
      Q = number(fit$QE), Qp = number(fit$QEp), tau2_ci = if (is.null(profile)) "null" else array(profile)
    ))
    for (method in methods) {
      control <- control_for(method, dat$vi)
      by_test <- list()
      for (test in tests) {
        fit <- attempt(paste(case, method, test), {
          # metafor fits equal effects with a Knapp-Hartung test, and warns that nobody meant it for that.
          quietly <- if (method == "EE") suppressWarnings else identity
          quietly(rma(yi, vi, data = dat, method = method, test = test, control = control))
        })
        if (is.null(fit)) next
        shown <- ends(fit, back_for(measure, rows$n))
        by_test[[test]] <- object(se = number(fit$se), ends = shown$ends, back = shown$back)
        last <- fit
      }
      if (length(by_test) == 0) next
      fits <- c(fits, object(
        data = word(data), measure = word(measure), method = word(method), beta = number(c(last$beta)),
        tau2 = number(last$tau2), I2 = number(last$I2), H2 = number(last$H2), tests = do.call(object, by_test)
      ))
    }
  }
}

list_of <- function(lines) if (length(lines)) paste0("[\n", paste(lines, collapse = ",\n"), "\n]") else "[]"
versions <- object(R = word(paste(R.version$major, R.version$minor, sep = ".")), metafor = word(packageDescription("metafor")$Version))
writeLines(c(
  "{", paste0('"versions": ', versions, ","),
  paste0('"effects": ', list_of(effects), ","),
  paste0('"fits": ', list_of(fits), ","),
  paste0('"absent": ', list_of(absent)), "}"
), "metafor.json")
