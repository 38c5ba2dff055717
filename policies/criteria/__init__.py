"""The closed vocabulary of criteria that rules may use, one file each.

Only these exist. A rule that names anything else does not load.
"""

from policies.criteria.agreement import UnderAgreements
from policies.criteria.appointment import Appointed
from policies.criteria.clearance import ClearedTo
from policies.criteria.criterion import (
    Asks,
    Attribute,
    Between,
    Criterion,
    CriterionError,
    Flaw,
    Form,
    OfOrganisation,
    OfRecord,
    OneOf,
    Reaches,
    Recurs,
    Result,
    ShownWithin,
    Spell,
    Terms,
    record_standing,
)
from policies.criteria.factor import ProvedBy
from policies.criteria.factor_age import FactorShownWithin
from policies.criteria.hours import InHours
from policies.criteria.organisation import OfOrganisations
from policies.criteria.organisation_kind import OfKinds
from policies.criteria.own_organisation import OwnOrganisation
from policies.criteria.own_record import OwnRecord
from policies.criteria.own_team import OwnTeam
from policies.criteria.period import InPeriod
from policies.criteria.post import InPosts
from policies.criteria.training import TrainedIn
from policies.criteria.unit import InUnits
from policies.criteria.zone import FromZones

__all__ = [
    "VOCABULARY",
    "Asks",
    "Attribute",
    "Between",
    "Criterion",
    "CriterionError",
    "Flaw",
    "Form",
    "InPeriod",
    "OfOrganisation",
    "OfRecord",
    "OneOf",
    "Reaches",
    "Recurs",
    "Result",
    "ShownWithin",
    "Spell",
    "Terms",
    "record_standing",
]

VOCABULARY: tuple[type[Criterion], ...] = (
    OfOrganisations,
    OfKinds,
    InPosts,
    InUnits,
    Appointed,
    ClearedTo,
    OwnRecord,
    OwnTeam,
    OwnOrganisation,
    ProvedBy,
    UnderAgreements,
    InHours,
    FromZones,
    FactorShownWithin,
    TrainedIn,
)
"""What `when` may hold, in the order in which criteria are asked.

Organisation and kind come first: they tell whether a rule concerns the subject at all. `InPeriod`
is not among them, as it is written as the rule's `starts` and `ends`.
"""
