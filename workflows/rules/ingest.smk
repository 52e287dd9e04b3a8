"""Read and harmonize the tables of the training cohort and of the external cohorts."""


rule ingest:
    input:
        tables=tables(SETTINGS.cohort),
    output:
        step_file("ingest"),
    log:
        "logs/ingest.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        section=section("cohort"),
        digests=lambda wildcards: digests(SETTINGS.cohort),
        config=CONFIG,
    shell:
        "precisionmed ingest --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"


rule ingest_external:
    input:
        tables=lambda wildcards: tables(EXTERNAL[wildcards.cohort]),
    output:
        "external/{cohort}/ingest.h5ad",
    log:
        "logs/ingest_{cohort}.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        section=lambda wildcards: cohort_section(wildcards.cohort),
        digests=lambda wildcards: digests(EXTERNAL[wildcards.cohort]),
        config=CONFIG,
    shell:
        "precisionmed ingest --config {params.config:q} --cohort {wildcards.cohort:q}"
        " --output {output:q} --log {log:q} --threads {threads}"
