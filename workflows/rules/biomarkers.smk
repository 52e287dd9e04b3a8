"""LASSO signatures for labels and endpoints."""


rule biomarkers:
    input:
        batch=step_file("batch"),
        classify=step_file("classify"),
        drug_targets=tables(SETTINGS.biomarkers),
    output:
        step_file("biomarkers"),
    log:
        "logs/biomarkers.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        section=section("biomarkers", seed=True),
        digests=lambda wildcards: digests(SETTINGS.biomarkers),
        config=CONFIG,
    shell:
        "precisionmed biomarkers {input.batch:q} {input.classify:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
