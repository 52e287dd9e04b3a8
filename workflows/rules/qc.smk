"""Quality control of the cohort as read."""


rule qc:
    input:
        ingest=step_file("ingest"),
        # Only its being there counts: what one step is asked does not make the others anew.
        checked=ancient("steps/checked"),
    output:
        step_file("qc"),
    log:
        "logs/qc.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("qc"),
        config=CONFIG,
    shell:
        "precisionmed qc {input.ingest:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
