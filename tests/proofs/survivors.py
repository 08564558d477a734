"""The mutants that no test finds out, each with the reason why none has to."""

EXPLAINED: dict[str, str] = {
    "domain.lifecycle: _Walk.__init__: self.side > 0 → self.side >= 0": "a side is +1 or -1",
    "domain.lifecycle: _closing: price is None or progress.entry_fill is None → price is None and progress.entry_fill is None": (
        "whoever calls it has either both or neither"
    ),
    "domain.lifecycle: _progressed: replace() without told_stop": (
        "until a stop move is told, the stop that stands is the one that was announced"
    ),
    "domain.lifecycle: result_r: fill.fraction * (fill.price - entry_fill) * plan.direction.side → fill.fraction * (fill.price - entry_fill) / plan.direction.side": (
        "a side is +1 or -1"
    ),
}
