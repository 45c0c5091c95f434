# Writes bayes.json: what bayesmeta, RBesT and clinfun answer for the cases below.
# Run it in this folder, with the three packages installed: Rscript bayes.R

suppressMessages({
  library(bayesmeta)
  library(RBesT)
  library(clinfun)
})
options(RBesT.integrate_args = list(lower = -Inf, upper = Inf, rel.tol = 1e-9, abs.tol = 1e-9, subdivisions = 1e4),
        RBesT.integrate_prob_eps = 1e-12)

number <- function(x) ifelse(is.finite(x), sprintf("%.12g", x), "null")
numbers <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
word <- function(x) encodeString(x, quote = '"')
object <- function(...) {
  fields <- list(...)
  paste0("{", paste0(word(names(fields)), ": ", unlist(fields), collapse = ", "), "}")
}
list_of <- function(items) paste0("[\n", paste0("    ", items, collapse = ",\n"), "\n  ]")

# --- bayesmeta: random-effects models ---

# `delta` and `epsilon` bound the error of bayesmeta's grid over tau; by default they allow about 0.001.
summarise <- function(name, y, sigma, family, scale, mean = NA, sd = NA) {
  density <- list(`half-normal` = dhalfnormal, `half-cauchy` = dhalfcauchy)[[family]]
  fit <- bayesmeta(y = y, sigma = sigma, tau.prior = function(t) density(t, scale = scale),
                   mu.prior.mean = mean, mu.prior.sd = sd, delta = 1e-5, epsilon = 1e-8)
  intervals <- function(...) c(fit$post.interval(..., method = "central"), fit$post.interval(..., method = "shortest"))
  quantity <- function(column, ...) numbers(c(fit$summary[c("median", "mean", "sd"), column], intervals(...)))
  study <- function(i) numbers(c(fit$theta[c("median", "mean", "sd"), i], intervals(theta.level = 0.95, individual = i)))
  object(case = word(name), y = numbers(y), sigma = numbers(sigma), family = word(family), scale = number(scale),
         mean = number(mean), sd = number(sd),
         tau = quantity("tau", tau.level = 0.95), mu = quantity("mu", mu.level = 0.95),
         new = quantity("theta", theta.level = 0.95, predict = TRUE),
         studies = paste0("[", paste(sapply(seq_along(y), study), collapse = ", "), "]"))
}

# Crins ND et al. Pediatr Transplant 2014;18:839, as in Röver 2020, Table 3.
crins <- escalc(measure = "OR", ai = c(14, 16, 3, 9, 4, 0), n1i = c(61, 28, 18, 54, 36, 50),
                ci = c(15, 19, 8, 29, 11, 3), n2i = c(20, 28, 12, 54, 36, 34))
# Rubin DB. J Educ Stat 1981;6:377.
rubin <- list(y = c(28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16),
              sigma = c(14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6))
her2 <- read.csv("data/her2-btc.csv")
her2 <- escalc(measure = "PLO", xi = events, ni = n, data = her2)
models <- list(
  summarise("crins-2014", crins$yi, sqrt(crins$vi), "half-normal", 0.5, 0, 4),
  summarise("crins-2014", crins$yi, sqrt(crins$vi), "half-cauchy", 0.5, 0, 4),
  summarise("crins-2014", crins$yi, sqrt(crins$vi), "half-normal", 0.5),
  summarise("rubin-1981", rubin$y, rubin$sigma, "half-cauchy", 25, 0, 50),
  summarise("her2-btc", her2$yi, sqrt(her2$vi), "half-normal", 1),
  summarise("her2-btc, three studies", her2$yi[c(2, 6, 8)], sqrt(her2$vi[c(2, 6, 8)]), "half-normal", 0.5)
)

# --- RBesT: effective sample sizes ---

sizes <- lapply(list(
  c(1, 11, 32), c(0.6167463, 19.1916387, 57.7779318, 0.3832537, 3.5278745, 9.3735980),
  c(0.493397, 19.191639, 57.777932, 0.306603, 3.527875, 9.373598, 0.2, 1, 1), c(0.8, 11, 32, 0.2, 1, 1),
  c(0.5, 2, 2, 0.5, 20, 5), c(0.6, 19.2, 57.8, 0.35, 5.5, 15.5, 0.05, 1.5, 3.5)
), function(flat) {
  mixture <- do.call(mixbeta, split(flat, rep(seq_len(length(flat) / 3), each = 3)))
  object(components = numbers(flat), elir = number(ess(mixture, "elir")), moment = number(ess(mixture, "moment")))
})

# --- clinfun: Simon's designs ---

simon <- lapply(list(
  c(0.05, 0.25, 0.05, 0.2), c(0.05, 0.2, 0.1, 0.1), c(0.15, 0.4, 0.05, 0.2), c(0.3, 0.5, 0.05, 0.2),
  c(0.1, 0.3, 0.1, 0.1), c(0.2, 0.4, 0.05, 0.1), c(0.05, 0.15, 0.05, 0.2), c(0.4, 0.6, 0.05, 0.1),
  c(0.2, 0.35, 0.1, 0.1)
), function(x) {
  designs <- twostage.admissible(ph2simon(x[1], x[2], x[3], x[4], nmax = 150))
  object(p0 = number(x[1]), p1 = number(x[2]), alpha = number(x[3]), power = number(1 - x[4]),
         designs = paste0("[", paste(apply(designs[, 1:6], 1, numbers), collapse = ", "), "]"))
})

version <- function(package) as.character(packageVersion(package))
writeLines(paste0("{\n  ", paste(c(
  paste0('"r": ', word(paste(R.version$major, R.version$minor, sep = "."))),
  paste0('"bayesmeta": ', word(version("bayesmeta"))),
  paste0('"rbest": ', word(version("RBesT"))),
  paste0('"clinfun": ', word(version("clinfun"))),
  paste0('"models": ', list_of(models)),
  paste0('"sizes": ', list_of(sizes)),
  paste0('"simon": ', list_of(simon))
), collapse = ",\n  "), "\n}"), "bayes.json")
