# Writes structure.json, and the data sets in structure/: what metafor answers on moderators, subgroups, deletions,
# orders and small studies. Run it in this folder: Rscript structure.R

suppressMessages(library(metafor))

methods <- c("EE", "DL", "PM", "REML", "ML", "EB", "SJ", "HE", "HS")
tests <- c("z", "knha", "adhoc")

# --- data: effects of one's own (bcg), or events and n; a number, a category and an order of each ---

made_up <- function(name) {
  rows <- read.csv(file.path("data", paste0(name, ".csv")))
  place <- seq_len(nrow(rows))
  transform(rows, number = (place * 7) %% 11, category = letters[(place - 1) %% 3 + 1], order = rev(place))
}
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
debruin <- dat.debruin2009
data <- list(
  "bcg" = data.frame(
    study = bcg$author, yi = c(bcg$yi), vi = bcg$vi, number = bcg$ablat, category = bcg$alloc, order = bcg$year
  ),
  "debruin-2009" = data.frame(
    study = debruin$author, events = debruin$xi, n = debruin$ni, number = debruin$scq, category = debruin$patients,
    order = debruin$year
  ),
  "pritz-1997" = made_up("pritz-1997"),
  "nielweise-2007-standard" = made_up("nielweise-2007-standard"),
  "her2-btc" = made_up("her2-btc"),
  "homogeneous" = made_up("homogeneous")
)
measures <- list(
  "bcg" = "GEN", "debruin-2009" = c("PLO", "PR"), "pritz-1997" = "PAS", "nielweise-2007-standard" = "PLO", "her2-btc" = "PLO",
  "homogeneous" = "PLO"
)
models <- list("number" = ~number, "category" = ~category, "number+category" = ~ number + category)

# --- fits ---

# As in metafor.R: metafor stops at absolute changes of tau², so they are set from the scale of the variances.
control_for <- function(method, vi) {
  scale <- median(vi)
  switch(method,
    PM = list(tol = 1e-14 * scale, maxiter = 10000, tau2.max = 1e4),
    ML = , REML = , EB = list(threshold = 1e-13 * scale, maxiter = 100000),
    list()
  )
}

# NA where metafor stops or warns, with the reason kept.
absent <- list()
attempt <- function(what, expression) {
  note <- function(condition) {
    absent[[length(absent) + 1]] <<- list(case = what, reason = trimws(conditionMessage(condition)))
    NULL
  }
  tryCatch(expression, error = note, warning = note)
}

fit <- function(dat, method, test = "z", ...) {
  # metafor fits equal effects with a Knapp-Hartung test, and warns that nobody meant it for that.
  quietly <- if (method == "EE") suppressWarnings else identity
  quietly(rma(yi, vi, data = dat, method = method, test = test, control = control_for(method, dat$vi), ...))
}

heterogeneity <- function(f) list(tau2 = f$tau2, i2 = f$I2, h2 = f$H2, q = f$QE, q_p = f$QEp)

regressions <- function(dat, name) {
  out <- list()
  for (model in names(models)) for (method in methods) {
    by_test <- list()
    for (test in tests) {
      f <- attempt(paste(name, "regression", model, method, test), fit(dat, method, test, mods = models[[model]]))
      if (is.null(f)) next
      first <- predict(f, newmods = model.matrix(models[[model]], dat)[1:3, -1, drop = FALSE])
      by_test[[test]] <- list(
        beta = c(f$beta), se = f$se, p = f$pval, low = f$ci.lb, high = f$ci.ub, qm = f$QM, qm_p = f$QMp,
        pred = first$pred, pred_se = first$se, conf_low = first$ci.lb, conf_high = first$ci.ub,
        pred_low = first$pi.lb, pred_high = first$pi.ub
      )
      last <- f
    }
    if (length(by_test) == 0) next
    out[[length(out) + 1]] <- c(
      list(model = model, method = method, r2 = last$R2, tests = by_test), heterogeneity(last)
    )
  }
  out
}

# The interval does not depend on the estimator.
profiles <- function(dat, name) {
  out <- list()
  for (model in names(models)) {
    interval <- attempt(paste(name, "confint", model), {
      control <- list(tol = 1e-14 * median(dat$vi), maxiter = 10000, tau2.min = 0, tau2.max = 1e5)
      confint(fit(dat, "DL", mods = models[[model]]), control = control)$random["tau^2", c("ci.lb", "ci.ub")]
    })
    if (!is.null(interval)) out[[model]] <- unname(interval)
  }
  out
}

refits <- function(dat, name, how) {
  out <- list()
  for (method in methods) {
    by_test <- list()
    for (test in tests) {
      f <- attempt(paste(name, "refits", method, test), how(fit(dat, method, test)))
      if (is.null(f)) next
      by_test[[test]] <- list(se = f$se, low = f$ci.lb, high = f$ci.ub)
      last <- f
    }
    if (length(by_test) == 0) next
    out[[length(out) + 1]] <- list(
      method = method, beta = last$estimate, tau2 = last$tau2, i2 = last$I2, h2 = last$H2, q = last$Q, q_p = last$Qp,
      tests = by_test
    )
  }
  out
}

influences <- function(dat, name) {
  out <- list()
  # Of the estimator only tau² is seen, which the refits check for all.
  for (model in c("none", names(models))) for (method in c("EE", "DL", "SJ", "REML")) {
    f <- attempt(paste(name, "influence", model, method), {
      mods <- if (model == "none") NULL else models[[model]]
      influence(if (is.null(mods)) fit(dat, method) else fit(dat, method, mods = mods))
    })
    if (is.null(f)) next
    i <- as.data.frame(f$inf)
    out[[length(out) + 1]] <- list(
      model = model, method = method, rstudent = i$rstudent, dffits = i$dffits, cook_d = i$cook.d,
      cov_ratio = i$cov.r, tau2_del = i$tau2.del, qe_del = i$QE.del, hat = i$hat, weight = i$weight,
      influential = i$inf == "*", dfbetas = unname(lapply(as.list(as.data.frame(f$dfbs)), c))[seq_len(f$p)]
    )
  }
  out
}

groups <- function(dat, name) {
  out <- list()
  for (method in methods) for (test in tests) {
    each <- attempt(paste(name, "subgroups", method, test), {
      parts <- lapply(split(dat, dat$category), function(part) fit(part, method, if (nrow(part) > 1) test else "z"))
      means <- sapply(parts, function(f) c(f$beta))
      se <- sapply(parts, function(f) f$se)
      between <- rma(yi = means, sei = se, mods = ~ names(parts), method = "FE")
      list(
        method = method, test = test, beta = unname(means), se = unname(se), tau2 = unname(sapply(parts, `[[`, "tau2")),
        low = unname(sapply(parts, `[[`, "ci.lb")), high = unname(sapply(parts, `[[`, "ci.ub")),
        q_between = between$QM, q_between_p = between$QMp
      )
    })
    common <- attempt(paste(name, "common tau2", method, test), {
      means <- fit(dat, method, test, mods = ~ category - 1)
      between <- fit(dat, method, test, mods = ~category)
      list(
        beta = c(means$beta), se = means$se, low = means$ci.lb, high = means$ci.ub, tau2 = means$tau2,
        q_between = between$QM, q_between_p = between$QMp
      )
    })
    if (!is.null(each) && !is.null(common)) out[[length(out) + 1]] <- c(each, list(common = common))
  }
  out
}

fills <- function(dat, name) {
  out <- list()
  for (method in c("EE", "DL", "REML")) for (estimator in c("L0", "R0")) for (side in c("auto", "left", "right")) {
    f <- fit(dat, method)
    # The standard error of L0 warns where it is NaN.
    t <- suppressWarnings(
      if (side == "auto") trimfill(f, estimator = estimator, control = control_for(method, dat$vi))
      else trimfill(f, estimator = estimator, side = side, control = control_for(method, dat$vi))
    )
    out[[length(out) + 1]] <- list(
      method = method, estimator = estimator, asked = side, side = t$side, k0 = t$k0, se = t$se.k0,
      yi = c(t$yi)[t$fill], vi = t$vi[t$fill], adjusted = c(t$beta, t$ci.lb, t$ci.ub)
    )
  }
  out
}

small <- function(dat, name) {
  line <- function(statistic, p, slope = NA) list(statistic = statistic, p = p, slope = slope)
  egger <- regtest(dat$yi, dat$vi, model = "lm")
  # cor.test warns of ties, where it takes the normal approximation.
  begg <- suppressWarnings(ranktest(dat$yi, dat$vi))
  out <- list(
    egger = line(egger$zval, egger$pval, unname(coef(egger$fit)[2])),
    begg = line(unname(begg$tau), begg$pval)
  )
  if ("n" %in% names(dat)) {
    # What regtest(model = "rma", predictor = "ni") fits, at the tolerance of the other fits.
    f <- fit(dat, "REML", "adhoc", mods = ~n)
    out$size <- line(f$zval[2], f$pval[2], f$beta[2])
    extreme <- dat$events == 0 | dat$events == dat$n
    x <- dat$events + extreme / 2
    weights <- 1 / (1 / x + 1 / (dat$n + extreme - x))
    # Peters' test is no function of metafor; this is R's own weighted regression.
    peters <- summary(lm(yi ~ I(1 / n), weights = weights, data = dat))$coefficients[2, ]
    out$peters <- line(peters[["t value"]], peters[["Pr(>|t|)"]], peters[["Estimate"]])
  }
  out
}

dir.create("structure", showWarnings = FALSE)
cases <- list()
for (name in names(data)) {
  # What is analysed is what stands in the file.
  path <- file.path("structure", paste0(name, ".csv"))
  shown <- data[[name]]
  shown[] <- lapply(shown, function(column) if (is.double(column)) as.character(signif(column, 15)) else column)
  write.csv(shown, path, row.names = FALSE, quote = FALSE)
  rows <- read.csv(path)
  for (measure in measures[[name]]) {
    dat <- if (measure == "GEN") rows else escalc(measure = measure, xi = events, ni = n, data = rows)
    case <- paste(name, measure)
    cases[[length(cases) + 1]] <- list(
      data = name, measure = measure, regressions = regressions(dat, case), profiles = profiles(dat, case),
      leave_one_out = refits(dat, case, leave1out), cumulative = refits(dat, case, function(f) cumul(f, order = dat$order)),
      influence = influences(dat, case), subgroups = groups(dat, case), fills = fills(dat, case), small = small(dat, case)
    )
  }
}
versions <- list(R = paste(R.version$major, R.version$minor, sep = "."), metafor = packageDescription("metafor")$Version)
as_json <- function(x) jsonlite::toJSON(x, digits = I(15), auto_unbox = TRUE, na = "null", null = "null")
part <- function(name, items) paste0('"', name, '": [\n', paste(sapply(items, as_json), collapse = ",\n"), "\n]")
writeLines(c(
  "{", paste0('"versions": ', as_json(versions), ","), paste0(part("cases", cases), ","), part("absent", absent), "}"
), "structure.json")
