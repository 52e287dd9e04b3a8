"""Receptor status, HER2 and triple-negative classifiers."""


rule classify:
    input:
        batch=step_file("batch"),
    output:
        step_file("classify"),
    log:
        "logs/classify.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        section=section("classify", seed=True),
        config=CONFIG,
    shell:
        "precisionmed classify {input.batch:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
