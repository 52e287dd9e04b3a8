# Golden LASSO paths and cross-validation curves from R's glmnet, solved tightly.
#
# Data are made here and stored, so that the tests need no R. Each case has <case>_data.csv (outcome,
# weights, folds, genes) and <case>_path.csv (lambda, objective and the coefficients on the grid);
# the cases with cross-validation <case>_cv.csv (lambda, mean, se).
suppressMessages({library(glmnet); library(survival)})
set.seed(7)
glmnet.control(fdev = 0, devmax = 1)
tight <- 1e-14

correlated <- function(n, p) {
  X <- matrix(rnorm(n * p), n) + 0.6 * rnorm(n)
  X <- sweep(sweep(X, 2, runif(p, 0.2, 5), "*"), 2, rnorm(p, 3), "+")
  round(X, 4)
}
store <- function(case, X, outcome, w, fold) {
  colnames(X) <- paste0("g", seq_len(ncol(X)))
  write.csv(data.frame(outcome, weight = w, fold = fold, X), paste0(case, "_data.csv"), row.names = FALSE)
}
path <- function(case, fit) {
  write.csv(data.frame(lambda = format(fit$lambda, digits = 17), dev_ratio = format(fit$dev.ratio, digits = 15),
                       a0 = if (is.null(fit$a0)) 0 else fit$a0, as.matrix(t(fit$beta))),
            paste0(case, "_path.csv"), row.names = FALSE, quote = FALSE)
}
curve <- function(case, cv) {
  write.csv(data.frame(lambda = cv$lambda, mean = cv$cvm, se = cv$cvsd), paste0(case, "_cv.csv"), row.names = FALSE)
}
deal <- function(status, k) {
  fold <- integer(length(status))
  for (s in unique(status)) fold[status == s] <- sample(rep_len(seq_len(k), sum(status == s)))
  fold
}

binomial_case <- function(case, n, p, alpha = 1, w = rep(1, n), pf = rep(1, p), ratio) {
  X <- correlated(n, p)
  z <- scale(X)
  y <- rbinom(n, 1, plogis(z[, 1] - 0.8 * z[, 2] + 0.5 * z[, 3]))
  fold <- deal(y, 5)
  store(case, X, data.frame(y = y), w, fold)
  lambda <- glmnet(X, y, "binomial", weights = w, alpha = alpha, penalty.factor = pf, nlambda = 12,
                   lambda.min.ratio = ratio)$lambda
  fit <- glmnet(X, y, "binomial", weights = w, alpha = alpha, penalty.factor = pf, lambda = lambda, thresh = tight,
                maxit = 1e7)
  path(case, fit)
  curve(case, cv.glmnet(X, y, weights = w, family = "binomial", alpha = alpha, penalty.factor = pf, lambda = lambda,
                        foldid = fold, thresh = tight, maxit = 1e7))
}
cox_case <- function(case, n, p, alpha = 1, w = rep(1, n), pf = rep(1, p), ratio, digits = 1) {
  X <- correlated(n, p)
  z <- scale(X)
  time <- round(rexp(n, exp(z[, 1] - 0.8 * z[, 2]) / 5), digits) + 0.1
  event <- rbinom(n, 1, 0.7)
  fold <- deal(event, 5)
  store(case, X, data.frame(time = time, event = event), w, fold)
  y <- Surv(time, event)
  lambda <- glmnet(X, y, "cox", weights = w, alpha = alpha, penalty.factor = pf, nlambda = 12,
                   lambda.min.ratio = ratio)$lambda
  fit <- glmnet(X, y, "cox", weights = w, alpha = alpha, penalty.factor = pf, lambda = lambda, thresh = tight,
                maxit = 1e7)
  path(case, fit)
  curve(case, cv.glmnet(X, y, weights = w, family = "cox", alpha = alpha, penalty.factor = pf, lambda = lambda,
                        foldid = fold, thresh = tight, maxit = 1e7))
}

binomial_case("binomial_wide", 60, 150, ratio = 0.1)
binomial_case("binomial_long", 200, 12, ratio = 1e-3)
w <- sample(c(0.5, 1, 3), 90, TRUE)
binomial_case("binomial_weighted", 90, 40, alpha = 0.5, w = w, pf = rep(c(0, 1, 2, 1), 10), ratio = 0.05)
cox_case("cox_wide", 70, 150, ratio = 0.2)
cox_case("cox_long", 200, 12, ratio = 1e-3)
w <- sample(c(0.5, 1, 3), 100, TRUE)
cox_case("cox_weighted", 100, 40, alpha = 0.5, w = w, pf = rep(c(1, 1, 2, 0.5), 10), ratio = 0.05, digits = 0)

# Log partial likelihood at a fixed coefficient, both treatments of ties.
data <- data.frame(time = c(1, 1, 2, 2, 2, 3, 4, 4, 5, 5), event = c(1, 1, 1, 1, 0, 1, 1, 1, 0, 1),
                   x = c(0.3, -1.2, 0.8, 1.1, -0.4, 0.2, -0.9, 0.5, 1.4, -0.1),
                   weight = c(1, 2, 1, 0.5, 1, 1, 3, 1, 1, 0.5), stratum = c(1, 2, 1, 1, 1, 2, 2, 2, 1, 1))
write.csv(data, "ties_data.csv", row.names = FALSE)
loglik <- function(ties, formula) coxph(formula, data, weights = weight, ties = ties, init = 0.7,
                                        iter.max = 0)$loglik[2]
both <- function(formula) format(c(loglik("breslow", formula), loglik("efron", formula)), digits = 15)
write.csv(data.frame(ties = c("breslow", "efron"), loglik = both(Surv(time, event) ~ x),
                     stratified = both(Surv(time, event) ~ x + strata(stratum))),
          "ties.csv", row.names = FALSE, quote = FALSE)
