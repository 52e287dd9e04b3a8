# Golden LASSO paths from R's glmnet, solved tightly: the families, offsets, strata and intercepts that
# glmnet.R leaves out. Every case has a constant gene (the last) and two equal ones (the last but one and 4).
#
# <case>_data.csv has outcome, weight, offsets, fold and genes; <case>_path.csv the solver (tight, or with
# glmnet's default threshold), lambda, class (0 unless multinomial), dev_ratio, a0 and the coefficients;
# <case>_cv.csv lambda, mean and se.
suppressMessages({library(glmnet); library(survival)})
set.seed(8)
glmnet.control(fdev = 0, devmax = 1)

make_genes <- function(n, p) {
  X <- matrix(rnorm(n * p), n) + 0.6 * rnorm(n)
  X <- round(sweep(sweep(X, 2, runif(p, 0.2, 5), "*"), 2, rnorm(p, 3), "+"), 4)
  X[, p] <- 2.5
  X[, p - 1] <- X[, 4]
  X
}
deal <- function(status, k) {
  fold <- integer(length(status))
  for (s in unique(status)) fold[status == s] <- sample(rep_len(seq_len(k), sum(status == s)))
  fold
}
golden <- function(case, family, X, y, outcome, ratio, w = rep(1, nrow(X)), offset = NULL, alpha = 1,
                   pf = rep(1, ncol(X)), intercept = TRUE, fold = NULL) {
  colnames(X) <- paste0("g", seq_len(ncol(X)))
  extra <- if (is.null(offset)) NULL else setNames(data.frame(offset), paste0("offset", seq_len(NCOL(offset))))
  columns <- list(outcome, weight = w, fold = if (is.null(fold)) rep(0, nrow(X)) else fold, X)
  if (!is.null(extra)) columns <- c(columns, list(extra))
  write.csv(do.call(data.frame, columns), paste0(case, "_data.csv"), row.names = FALSE)
  run <- function(f, ...) f(X, y, family = family, weights = w, offset = offset, alpha = alpha, penalty.factor = pf,
                            intercept = intercept, ...)
  lambda <- run(glmnet, nlambda = 10, lambda.min.ratio = ratio)$lambda
  solve <- function(solver, ...) {
    fit <- run(glmnet, lambda = lambda, ...)
    classes <- if (family == "multinomial") fit$beta else list(fit$beta)
    a0 <- if (is.null(fit$a0)) matrix(0, 1, length(lambda)) else rbind(fit$a0)
    do.call(rbind, lapply(seq_along(classes), function(k)
      data.frame(solver = solver, lambda = format(fit$lambda, digits = 17), class = k - 1,
                 dev_ratio = format(fit$dev.ratio, digits = 15), a0 = format(a0[k, ], digits = 15),
                 as.matrix(format(t(as.matrix(classes[[k]])), digits = 15)))))
  }
  tight <- if (family %in% c("cox", "multinomial")) 1e-15 else 1e-20
  # The solver of stratified models does not settle when asked for more than its default.
  tightest <- if (inherits(y, "stratifySurv")) NULL else solve("tight", thresh = tight, maxit = 1e8)
  write.csv(rbind(tightest, solve("default")), paste0(case, "_path.csv"),
            row.names = FALSE, quote = FALSE)
  if (!is.null(fold)) {
    cv <- run(cv.glmnet, lambda = lambda, foldid = fold, thresh = 1e-14, maxit = 1e8)
    write.csv(data.frame(lambda = cv$lambda, mean = cv$cvm, se = cv$cvsd), paste0(case, "_cv.csv"), row.names = FALSE)
  }
}

X <- make_genes(60, 100)
z <- scale(X[, 1:4])
y <- round(3 + z[, 1] - 0.8 * z[, 2] + rnorm(60), 4)
golden("gaussian_wide", "gaussian", X, y, data.frame(y = y), 0.05, fold = deal(rep(1, 60), 5))

X <- make_genes(150, 20)
z <- scale(X[, 1:4])
y <- round(3 + z[, 1] - 0.8 * z[, 2] + rnorm(150), 4)
w <- sample(c(0.5, 1, 3), 150, TRUE)
offset <- round(rnorm(150), 3)
# glmnet divides y by its standard deviation, and not the ridge penalty: only with 1 is it the elastic net it states.
unit <- sqrt(weighted.mean((y - offset - weighted.mean(y - offset, w))^2, w))
golden("gaussian_weighted", "gaussian", X, (y - offset) / unit + offset, data.frame(y = (y - offset) / unit + offset),
       0.01, w = w, alpha = 0.5, pf = rep(c(0, 1, 2, 1), 5), offset = offset)
golden("gaussian_origin", "gaussian", X, y, data.frame(y = y), 0.01, intercept = FALSE)

X <- make_genes(90, 60)
z <- scale(X[, 1:4])
p <- exp(cbind(z[, 1], -z[, 2], z[, 3])); p <- p / rowSums(p)
y <- apply(p, 1, function(q) sample(0:2, 1, prob = q))
golden("multinomial_wide", "multinomial", X, y, data.frame(y = y), 0.1, fold = deal(y, 5))
w <- sample(c(0.5, 1, 3), 90, TRUE)
golden("multinomial_weighted", "multinomial", X, y, data.frame(y = y), 0.1, w = w, alpha = 0.7,
       pf = rep(c(0.5, 1, 2), 20), offset = matrix(round(rnorm(270) / 2, 3), 90))

y <- rbinom(90, 1, plogis(z[, 1] - 0.8 * z[, 2]))
golden("binomial_offset", "binomial", X, y, data.frame(y = y), 0.05, w = w, offset = round(rnorm(90), 3),
       pf = rep(c(1, 0, 1), c(10, 1, 49)))
golden("binomial_origin", "binomial", X, y, data.frame(y = y), 0.05, intercept = FALSE)

time <- round(rexp(90, exp(z[, 1] - 0.8 * z[, 2]) / 5), 0) + 1
event <- rbinom(90, 1, 0.7)
stratum <- sample(1:3, 90, TRUE)
outcome <- data.frame(time = time, event = event, stratum = stratum)
golden("cox_offset", "cox", X, Surv(time, event), outcome[1:2], 0.1, offset = round(rnorm(90) / 2, 3))
golden("cox_strata", "cox", X, stratifySurv(Surv(time, event), stratum), outcome, 0.1, w = w)
