"""The answer to one question that was put to a detector or an indicator."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """``check`` is what was asked, ``subject`` of whom; ``detail`` names the first bar and field that differ,
    or what was measured."""

    check: str
    subject: str
    passed: bool
    detail: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
