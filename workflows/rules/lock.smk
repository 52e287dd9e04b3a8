"""One file with everything learned."""


rule lock:
    input:
        batch=step_file("batch"),
        steps=[step_file(step) for step in ADDING_STEPS],
    output:
        "model.pmz",
    log:
        "logs/lock.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=20,
    params:
        version=VERSION,
    shell:
        "precisionmed lock {input.batch:q} {input.steps:q} --output {output:q} --log {log:q} --threads {threads}"
