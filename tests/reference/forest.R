# Draws the forest plots that docs/figures.md sets beside ours, and writes forest.json: what metafor answers for them.
# Run it in this folder: Rscript forest.R

suppressMessages(library(metafor))
library(jsonlite)

data <- read.csv("forest/eight.csv")
effects <- escalc(measure = "PLO", xi = events, ni = n, data = data, slab = trial)
# metafor stops at absolute changes of tau², which are set from the scale of the variances, as in metafor.R.
reml <- function(data) {
  control <- list(threshold = 1e-13 * median(data$vi), maxiter = 100000)
  rma(yi, vi, data = data, method = "REML", test = "adhoc", control = control)
}
random <- reml(effects)
equal <- rma(yi, vi, data = effects, method = "EE")
lines <- unique(data$line)
parts <- lapply(lines, function(one) reml(effects[effects$line == one, ]))
names(parts) <- lines
means <- data.frame(yi = sapply(parts, coef), vi = sapply(parts, function(part) part$se^2), line = lines)
between <- rma(yi, vi, mods = ~line, data = means, method = "EE")

# --- numbers ---

known <- function(x) if (is.null(x)) NA else x
fit <- function(x) {
  expected <- predict(x, transf = transf.ilogit)
  list(
    estimate = expected$pred, conf_low = expected$ci.lb, conf_high = expected$ci.ub, pred_low = known(expected$pi.lb),
    pred_high = known(expected$pi.ub), tau2 = x$tau2, i2 = x$I2, q = x$QE, q_p = x$QEp, weights = unname(weights(x))
  )
}
write_json(
  list(
    versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))),
    random = fit(random), equal = fit(equal), subgroups = lapply(parts, fit),
    between = list(q = between$QM, p = between$QMp)
  ),
  "forest.json", digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null"
)

# --- pictures ---

told <- function(x) {
  sprintf("Q = %.2f, df = %d, p = %.3f; I² = %.1f%%, τ² = %.3f", x$QE, x$k - 1, x$QEp, x$I2, x$tau2)
}
picture <- function(name, height, draw) {
  png(file.path("../../docs/images", name), width = 1100, height = height, res = 120, type = "cairo")
  par(mar = c(4, 0, 0, 0))
  draw()
  invisible(dev.off())
}
ends <- c(-1.6, 2)
counts <- c(-0.6, -0.35)

picture("metafor-forest.png", 520, function() {
  forest(random,
    addpred = TRUE, header = c("Study", "Rate [95% CI]"), showweights = TRUE, transf = transf.ilogit, refline = NA,
    ilab = cbind(data$events, data$n), ilab.xpos = counts, xlim = ends, alim = c(0, 1), at = seq(0, 1, 0.2),
    mlab = paste0("RE model: ", told(random)), xlab = "Response rate", ylim = c(-2.5, 11), cex = 0.75
  )
  text(counts, 10, c("Events", "Total"), font = 2, cex = 0.75)
  addpoly(equal, row = -2, transf = transf.ilogit, mlab = "EE model", cex = 0.75)
})

picture("metafor-subgroups.png", 620, function() {
  sorted <- effects[order(match(effects$line, lines)), ]
  sizes <- as.vector(table(factor(sorted$line, levels = lines)))
  # From the top: a heading, its studies, its summary, an empty row.
  heads <- sum(sizes + 3) - c(0, cumsum(sizes + 3)[-length(sizes)])
  rows <- unlist(lapply(seq_along(lines), function(place) heads[place] - seq_len(sizes[place])))
  top <- heads[1]
  forest(reml(sorted),
    addpred = TRUE, header = c("Study", "Rate [95% CI]"), showweights = TRUE, transf = transf.ilogit, refline = NA,
    ilab = cbind(sorted$events, sorted$n), ilab.xpos = counts, xlim = ends, alim = c(0, 1), at = seq(0, 1, 0.2),
    mlab = paste0("RE model: ", told(random)), xlab = "Response rate", rows = rows, ylim = c(-2.5, top + 3), cex = 0.75
  )
  text(counts, top + 2, c("Events", "Total"), font = 2, cex = 0.75)
  text(ends[1], heads, lines, pos = 4, font = 4, cex = 0.75)
  for (place in seq_along(lines)) {
    addpoly(parts[[place]],
      row = heads[place] - sizes[place] - 1, transf = transf.ilogit, mlab = told(parts[[place]]), cex = 0.75
    )
  }
  text(ends[1], -2.2, sprintf("Test for subgroup differences: Q = %.2f, df = %d, p = %.4f", between$QM,
    length(lines) - 1, between$QMp), pos = 4, cex = 0.75)
})
