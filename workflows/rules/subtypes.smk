"""Consensus subtypes and intrinsic subtypes."""


rule subtypes:
    input:
        batch=step_file("batch"),
        gene_sets=[str(path) for path in [SETTINGS.subtypes.gene_sets] if path],
    output:
        step_file("subtypes"),
    log:
        f"{OUT}/logs/subtypes.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        section=section("subtypes"),
        seed=SEED,
        config=CONFIG,
    shell:
        "precisionmed subtypes {input.batch} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
