"""The nouns of deal registration, as frozen dataclasses, and the ports through which rooms meet the outside.

Imports nothing of syncd, does no input or output, holds no clock.
"""

from syncd.model.claims import (
    Application,
    ClaimGroup,
    Code,
    Collision,
    FiledCompany,
    Outcome,
    Protection,
    RegistrationState,
)
from syncd.model.decisions import Actor, Decision, DecisionKind
from syncd.model.links import Band, Evidence, Judgement, Link
from syncd.model.ports import Budget, Candidates, Clock, Credentials
from syncd.model.pulling import Checked, ConnectorFacts, MissingField, Page, ReadSpec, Row, Window
from syncd.model.records import (
    Account,
    CanonicalRecord,
    FiledStatus,
    Money,
    Opportunity,
    Partner,
    Registration,
    Stream,
    User,
)
from syncd.model.refs import Ref
from syncd.model.stamps import (
    STAMP_BY_NAME,
    STAMP_FIELDS,
    FilingStatus,
    StampField,
    StampStatus,
    StampType,
    stamp_values,
)
from syncd.model.writes import Receipt, ReceiptKind, Wanted, Write, WriteGroup, WriteState

__all__ = [
    "STAMP_BY_NAME",
    "STAMP_FIELDS",
    "Account",
    "Actor",
    "Application",
    "Band",
    "Budget",
    "Candidates",
    "CanonicalRecord",
    "Checked",
    "ClaimGroup",
    "Clock",
    "Code",
    "Collision",
    "ConnectorFacts",
    "Credentials",
    "Decision",
    "DecisionKind",
    "Evidence",
    "FiledCompany",
    "FiledStatus",
    "FilingStatus",
    "Judgement",
    "Link",
    "MissingField",
    "Money",
    "Opportunity",
    "Outcome",
    "Page",
    "Partner",
    "Protection",
    "ReadSpec",
    "Receipt",
    "ReceiptKind",
    "Ref",
    "Registration",
    "RegistrationState",
    "Row",
    "StampField",
    "StampStatus",
    "StampType",
    "Stream",
    "User",
    "Wanted",
    "Window",
    "Write",
    "WriteGroup",
    "WriteState",
    "stamp_values",
]
