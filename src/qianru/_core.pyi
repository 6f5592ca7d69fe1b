def available_isas() -> list[str]:
    """Instruction sets compiled in that this processor has, slowest first."""

def current_isa() -> str:
    """The instruction set in use."""

def set_isa(name: str) -> None:
    """
    Use another instruction set from available_isas(); for tests and benchmarks.
    """
