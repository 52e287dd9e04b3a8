"""Kaplan-Meier, log-rank, Cox models and their concordance."""


rule survival:
    input:
        batch=step_file("batch"),
        subtypes=step_file("subtypes"),
        classify=step_file("classify"),
        biomarkers=step_file("biomarkers"),
    output:
        step_file("survival"),
    log:
        "logs/survival.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        section=section("survival", seed=True),
        config=CONFIG,
    shell:
        "precisionmed survival {input.batch:q} {input.subtypes:q} {input.classify:q} {input.biomarkers:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
