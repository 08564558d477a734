"""The mutants that no test finds out, each with the reason why none has to."""

EXPLAINED: dict[str, str] = {}
