# Builds precisionmed/resources/go_biological_processes.gmt.gz: the biological processes of the Gene Ontology and
# the human genes annotated to them or to a process below them, from the Bioconductor packages org.Hs.eg.db and
# GO.db. Run from the repository's top folder:
#
#   Rscript scripts/build_gene_sets.R precisionmed/resources/go_biological_processes.gmt.gz
#
# Both packages and the gene table (build_gene_table.R) must be of one release, so that symbols agree. Where GO.db is
# not installed, a second argument tells the path of its file extdata/GO.sqlite (it can be unpacked from the Debian
# package r-bioc-go.db).
suppressMessages(library(org.Hs.eg.db))

smallest <- 10 # genes; smaller processes are never tested
largest <- 1000 # larger ones say little; up to 500 measured genes are tested, and platforms measure parts

arguments <- commandArgs(trailingOnly = TRUE)
path <- arguments[1]
terms_file <- if (length(arguments) > 1) arguments[2] else {
  system.file("extdata", "GO.sqlite", package = "GO.db", mustWork = TRUE)
}
genes <- org.Hs.eg_dbconn()
terms <- DBI::dbConnect(RSQLite::SQLite(), terms_file, flags = RSQLite::SQLITE_RO)
stamp <- function(connection) {
  DBI::dbGetQuery(connection, "SELECT value FROM metadata WHERE name = 'GOSOURCEDATE'")$value
}
stopifnot(stamp(genes) == stamp(terms))

annotated <- DBI::dbGetQuery(genes, "SELECT DISTINCT go_id, symbol FROM go_bp_all JOIN gene_info USING (_id)")
annotated <- annotated[order(annotated$go_id, annotated$symbol, method = "radix"), ]
sizes <- table(annotated$go_id)
annotated <- annotated[annotated$go_id %in% names(sizes)[sizes >= smallest & sizes <= largest], ]
sets <- vapply(split(annotated$symbol, annotated$go_id), paste, "", collapse = "\t")
sets <- sets[!duplicated(sets)] # processes with the very same genes: the one with the oldest number stays
names_of <- DBI::dbGetQuery(terms, "SELECT go_id, term FROM go_term")
term <- names_of$term[match(names(sets), names_of$go_id)]
stopifnot(!anyNA(term))

lines <- c(
  sprintf(
    "# Gene Ontology %s (CC BY 4.0, geneontology.org), biological processes, through org.Hs.eg.db %s",
    stamp(genes), packageVersion("org.Hs.eg.db")
  ),
  sprintf("%s (%s)\t\t%s", term, names(sets), sets)
)
output <- pipe(sprintf("gzip -9n > %s", shQuote(path)), "wb") # no time stamp: same bytes every time
writeLines(lines, output)
invisible(close(output))
