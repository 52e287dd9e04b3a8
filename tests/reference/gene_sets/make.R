# Competitive gene-set test of limma on given statistics. Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(limma))
set.seed(11)
n_genes <- 120
statistic <- round(rbind(a = rnorm(n_genes), b = 2 * rt(n_genes, 5) + 0.5), 6)
statistic[1, 1:15] <- statistic[1, 1:15] + 1.5
statistic[2, 10:30] <- statistic[2, 10:30] - 2
sets <- list(planted = 1:15, lower = 10:30, one = 50, pair = c(3, 90), half = 1:60, most = 1:118)
for (i in 1:6) sets[[paste0("random", i)]] <- sort(sample(n_genes, c(5, 10, 20, 40, 80, 100)[i]))
write.csv(data.frame(gene = seq_len(n_genes), t(statistic)), "statistic.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(set = rep(names(sets), lengths(sets)), gene = unlist(sets)), "sets.csv",
          row.names = FALSE, quote = FALSE)
out <- do.call(rbind, lapply(c(0.01, 0, 0.1), function(correlation) {
  do.call(rbind, lapply(rownames(statistic), function(contrast) {
    found <- cameraPR(statistic[contrast, ], sets, inter.gene.cor = correlation, sort = FALSE)
    data.frame(correlation = correlation, contrast = contrast, set = rownames(found), n_genes = found$NGenes,
               direction = tolower(found$Direction), p = formatC(found$PValue, digits = 16, format = "g"))
  }))
}))
write.csv(out, "camera.csv", row.names = FALSE, quote = FALSE)
