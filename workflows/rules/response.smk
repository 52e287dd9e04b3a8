"""Treatment-by-biomarker interaction and response classifier."""


rule response:
    input:
        batch=step_file("batch"),
        subtypes=step_file("subtypes"),
        classify=step_file("classify"),
        survival=step_file("survival"),
    output:
        step_file("response"),
    log:
        "logs/response.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        section=section("response", seed=True),
        config=CONFIG,
    shell:
        "precisionmed response {input.batch:q} {input.subtypes:q} {input.classify:q} {input.survival:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
