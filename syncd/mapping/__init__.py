"""Pure: their values to ours and back, and the schema of the mapping files."""

from syncd.mapping.compiled import FieldProblem, Mapped, Mapping, StreamMapping
from syncd.mapping.schema import MappingFile

__all__ = ["FieldProblem", "Mapped", "Mapping", "MappingFile", "StreamMapping"]
