"""The config of a run: one pydantic model, checked before anything starts."""

from precisionmed.config.cohort import (
    DAYS_PER,
    CohortConfig,
    EndpointConfig,
    ReceptorConfig,
    ResponseConfig,
    RolesConfig,
    Scale,
    TreatmentConfig,
)
from precisionmed.config.run import (
    RunConfig,
    load_config,
    names_only,
    parse_config,
    portable,
    resolve_paths,
    step_generator,
    tables_of,
)

__all__ = [
    "DAYS_PER",
    "CohortConfig",
    "EndpointConfig",
    "ReceptorConfig",
    "ResponseConfig",
    "RolesConfig",
    "RunConfig",
    "Scale",
    "TreatmentConfig",
    "load_config",
    "names_only",
    "parse_config",
    "portable",
    "resolve_paths",
    "step_generator",
    "tables_of",
]
