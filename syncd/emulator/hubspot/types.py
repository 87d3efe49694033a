"""The object types of a portal and the many ways to spell them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object type: its path name, singular, id, and the names of its stamp properties."""

    name: str
    singular: str
    id: str
    created: str = "createdate"
    modified: str = "hs_lastmodifieddate"
    shown: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    custom: bool = False

    @property
    def defaults(self) -> tuple[str, ...]:
        """The properties that come back when none are asked for."""
        return tuple(sorted({*self.shown, self.created, self.modified, "hs_object_id"}))

    @property
    def internal(self) -> str:
        """The name that HubSpot gives the type in texts: DEAL, MEETING_EVENT."""
        return {"meetings": "MEETING_EVENT"}.get(self.name, self.singular.upper())

    @property
    def mergeable(self) -> bool:
        """Whether two records of the type can be merged."""
        return self.custom or self.name in ("contacts", "companies", "deals", "tickets", "orders")


STANDARD = (
    ObjectType("contacts", "contact", "0-1", modified="lastmodifieddate", shown=("email", "firstname", "lastname"),
               searched=("email", "firstname", "lastname", "phone", "company")),
    ObjectType("companies", "company", "0-2", shown=("domain", "name"),
               searched=("name", "domain", "website", "phone")),
    ObjectType("deals", "deal", "0-3", shown=("amount", "closedate", "dealname", "dealstage", "pipeline"),
               searched=("dealname", "pipeline", "dealstage", "description", "dealtype")),
    ObjectType("tickets", "ticket", "0-5",
               shown=("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category",
                      "hs_ticket_priority", "subject"),
               searched=("subject", "content")),
    ObjectType("products", "product", "0-7", shown=("description", "name", "price"), searched=("name", "description")),
    ObjectType("line_items", "line_item", "0-8", shown=("amount", "name", "quantity"), searched=("name",)),
    ObjectType("quotes", "quote", "0-14", "hs_createdate", shown=("hs_title",), searched=("hs_title",)),
    ObjectType("tasks", "task", "0-27", "hs_createdate", shown=("hs_task_subject",), searched=("hs_task_subject",)),
    ObjectType("notes", "note", "0-46", "hs_createdate", searched=("hs_note_body",)),
    ObjectType("meetings", "meeting", "0-47", "hs_createdate", searched=("hs_meeting_title",)),
    ObjectType("calls", "call", "0-48", "hs_createdate", searched=("hs_call_title",)),
    ObjectType("emails", "email", "0-49", "hs_createdate", searched=("hs_email_subject",)),
    ObjectType("leads", "lead", "0-136", "hs_createdate", shown=("hs_lead_name",), searched=("hs_lead_name",)),
    ObjectType("communications", "communication", "0-18", "hs_createdate", searched=("hs_communication_body",)),
    ObjectType("quote_templates", "quote_template", "0-64", "hs_createdate", searched=("hs_name",)),
    ObjectType("orders", "order", "0-123", "hs_createdate", shown=("hs_order_name",), searched=("hs_order_name",)),
)  # fmt: skip
NO_ARCHIVED_LIST = ("meetings", "communications", "quote_templates")


class Types:
    """The types of one portal."""

    def __init__(self, portal: int) -> None:
        self._portal = portal
        self.all: dict[str, ObjectType] = {}
        self._spellings: dict[str, ObjectType] = {}
        self.ordinals: dict[str, int] = {}
        self._customs = 0
        for one in STANDARD:
            self._add(one, one.name, one.singular, one.id)

    def add_custom(self, name: str) -> ObjectType:
        """Make a custom type known, by its name without `p_`."""
        full = f"p_{name}"
        if full not in self.all:
            self._customs += 1
            one = ObjectType(full, full, f"2-{2_000_000 + self._customs}", "hs_createdate", custom=True)
            self._add(one, full, one.id, f"p{self._portal}_{name}")
        return self.all[full]

    def remove(self, one: ObjectType) -> None:
        """Forget a custom type; its id is not used again."""
        del self.all[one.name]
        self._spellings = {spelling: each for spelling, each in self._spellings.items() if each is not one}

    def find(self, spelling: str) -> ObjectType | None:
        """The type that a path segment means."""
        return self._spellings.get(spelling.lower())

    def full_name(self, one: ObjectType) -> str:
        """`p123_name` for a custom type."""
        return f"p{self._portal}_{one.name.removeprefix('p_')}" if one.custom else one.name

    def _add(self, one: ObjectType, *spellings: str) -> None:
        self.all[one.name] = one
        self.ordinals[one.name] = len(self.ordinals)
        self._spellings |= {spelling.lower(): one for spelling in spellings}
