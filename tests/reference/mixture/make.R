# Maximum-likelihood fits of two-component normal mixtures by a general optimizer (no EM), as golden numbers.
# Run in this folder: Rscript make.R
set.seed(7)
samples <- list(
  receptor = c(rnorm(60, 2, 1), rnorm(140, 7, 1.5)),
  amplicon = c(rnorm(170, 0, 0.5), rnorm(30, 3, 1)),
  overlap = c(rnorm(150, 0, 1), rnorm(150, 2.6, 0.8))
)

negative_log_likelihood <- function(par, x) {
  w <- plogis(par[5])
  -sum(log((1 - w) * dnorm(x, par[1], exp(par[3])) + w * dnorm(x, par[2], exp(par[4]))))
}

fit <- function(x) {
  start <- c(quantile(x, 0.2), quantile(x, 0.8), log(sd(x) / 2), log(sd(x) / 2), 0)
  best <- NULL
  for (w in c(-1.5, 0, 1.5)) {
    start[5] <- w
    found <- optim(start, negative_log_likelihood, x = x, method = "BFGS",
                   control = list(reltol = 1e-16, maxit = 10000))
    if (is.null(best) || found$value < best$value) best <- found
  }
  p <- best$par
  w <- plogis(p[5])
  difference <- function(t) {
    log(w) + dnorm(t, p[2], exp(p[4]), log = TRUE) - log(1 - w) - dnorm(t, p[1], exp(p[3]), log = TRUE)
  }
  threshold <- uniroot(difference, c(p[1], p[2]), tol = 1e-12)$root
  data.frame(mean_low = p[1], mean_high = p[2], sd_low = exp(p[3]), sd_high = exp(p[4]), weight_high = w,
             threshold = threshold, log_likelihood = -best$value)
}

values <- do.call(rbind, lapply(names(samples), function(n) data.frame(sample = n, value = samples[[n]])))
values$value <- round(values$value, 6)
fits <- do.call(rbind, lapply(names(samples), function(n) cbind(sample = n, fit(values$value[values$sample == n]))))
write.csv(values, "values.csv", row.names = FALSE, quote = FALSE)
write.csv(format(fits, digits = 12, trim = TRUE), "fits.csv", row.names = FALSE, quote = FALSE)
