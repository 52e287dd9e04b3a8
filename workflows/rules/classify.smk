"""Receptor status, HER2 and triple-negative classifiers."""


rule classify:
    input:
        batch=step_file("batch"),
    output:
        step_file("classify"),
    log:
        f"{OUT}/logs/classify.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        section=section("classify"),
        seed=SEED,
        config=CONFIG,
    shell:
        "precisionmed classify {input.batch} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
