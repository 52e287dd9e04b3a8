"""Consensus subtypes and intrinsic subtypes."""


rule subtypes:
    input:
        batch=step_file("batch"),
        gene_sets=tables(SETTINGS.subtypes),
    output:
        step_file("subtypes"),
    log:
        "logs/subtypes.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        section=section("subtypes", seed=True),
        digests=lambda wildcards: digests(SETTINGS.subtypes),
        config=CONFIG,
    shell:
        "precisionmed subtypes {input.batch:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
