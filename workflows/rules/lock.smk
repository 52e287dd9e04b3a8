"""One file with everything learned."""


rule lock:
    input:
        batch=step_file("batch"),
        steps=[step_file(step) for step in ADDING_STEPS],
    output:
        f"{OUT}/model.pmz",
    log:
        f"{OUT}/logs/lock.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=20,
    shell:
        "precisionmed lock {input.batch} {input.steps} --output {output} --log {log} --threads {threads}"
