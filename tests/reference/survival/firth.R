# Golden numbers for Cox models by Firth's penalized likelihood, by a general optimizer: the likelihood and the
# information at any coefficients are those of R's survival, and the penalty is added here.
# Run in this folder: Rscript firth.R   (survival 3.5-3, R 4.2; reads cohort.csv of make.R)
library(survival)
cohort <- read.csv("cohort.csv")[1:90, ]
# A level without a single event, and one that only few have.
cohort$spared <- as.integer(cohort$event == 0 & seq_len(90) %% 3 == 0)
cohort$rare <- as.integer(seq_len(90) %in% c(4, 17, 33, 58, 71))
cohort$age10 <- (cohort$age - 57) / 10
variables <- c("age10", "nodes", "spared", "rare")
x <- as.matrix(cohort[variables])

penalized <- function(beta, ties) {
  fit <- coxph(Surv(time, event) ~ x, data = cohort, ties = ties, init = beta,
               control = coxph.control(iter.max = 0))
  fit$loglik[2] - 0.5 * as.numeric(determinant(fit$var)$modulus)
}
maximum <- function(ties, fixed = NULL, at = 0) {
  free <- setdiff(seq_along(variables), fixed)
  full <- function(b) { beta <- numeric(length(variables)); beta[free] <- b; beta[fixed] <- at; beta }
  b <- numeric(length(free))
  for (i in 1:4) {
    b <- optim(b, function(b) -penalized(full(b), ties), method = "BFGS",
               control = list(reltol = 1e-15, maxit = 1000))$par
  }
  list(beta = full(b), loglik = penalized(full(b), ties))
}
rows <- NULL
for (ties in c("efron", "breslow")) {
  best <- maximum(ties)
  for (j in seq_along(variables)) {
    profile <- function(at) maximum(ties, j, at)$loglik
    gap <- function(at) best$loglik - profile(at) - qchisq(0.95, 1) / 2
    lower <- uniroot(gap, best$beta[j] + c(-12, 0), tol = 1e-9)$root
    upper <- uniroot(gap, best$beta[j] + c(0, 12), tol = 1e-9)$root
    p <- pchisq(2 * (best$loglik - profile(0)), 1, lower.tail = FALSE)
    rows <- rbind(rows, data.frame(ties, covariate = variables[j], coefficient = best$beta[j],
                                   lower, upper, p, loglik = best$loglik))
  }
}
numbers <- sapply(rows, is.double)
rows[numbers] <- lapply(rows[numbers], function(v) sprintf("%.12g", v))
write.csv(rows, "firth.csv", row.names = FALSE, quote = FALSE)
