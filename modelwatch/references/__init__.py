"""The reference: the windows that the model is known to have been good in, to judge others against."""

from typing import Annotated

from pydantic import Field

from modelwatch.references.file import FileReference
from modelwatch.references.learned import LearnedReference
from modelwatch.references.reference import Reference, Windows, profiles_of
from modelwatch.references.seasonal import SeasonalReference
from modelwatch.references.trailing import TrailingReference
from modelwatch.references.version import VersionReference

AnyReference = Annotated[
    FileReference | LearnedReference | TrailingReference | SeasonalReference | VersionReference,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyReference",
    "FileReference",
    "LearnedReference",
    "Reference",
    "SeasonalReference",
    "TrailingReference",
    "VersionReference",
    "Windows",
    "profiles_of",
]
