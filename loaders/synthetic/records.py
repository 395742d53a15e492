"""What happened at the simulated store, as one frozen record per event. Times are UTC, in whole seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Employee:
    """A member of staff. `set_factor` scales how often a contact becomes an appointment; 1 is the team's habit.

    `fed_by` names the source that sends this person nearly all leads, if one does.
    """

    number: int
    name: str
    role: str
    team: str
    started_on: date
    ended_on: date | None = None
    set_factor: float = 1.0
    fed_by: str | None = None

    def is_here(self, day: date) -> bool:
        """Whether the person is employed on that day."""
        return self.started_on <= day and (self.ended_on is None or day <= self.ended_on)


@dataclass(frozen=True, slots=True)
class Source:
    """A lead source and its true quality: the chance of each step when leads are handled promptly and alike.

    `share` is its part of the store's leads, `cost` what a lead is bought for (None: nothing is ever entered),
    `night_share` the part of its leads that comes at night, `is_unwatched` whether its inbox is read late, and
    `front_factor` scales the front gross that its buyers leave.
    """

    name: str
    group: str
    lead_type: str
    share: float
    contact: float
    appointment: float
    show: float
    sale: float
    unbooked_sale: float
    cost: float | None = None
    night_share: float = 0.12
    is_unwatched: bool = False
    front_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Customer:
    """A shopper. `email` and `phone` are as written in the CRM: real, a placeholder, or missing."""

    number: int
    name: str
    email: str | None
    phone: str | None
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class Lead:
    """One enquiry record.

    `is_source_blank`: the CRM's source field stayed empty. `is_other_file`: a further enquiry of the same customer that
    came as if from a new one.
    """

    number: int
    customer: Customer
    created_at: datetime
    source: Source
    is_source_blank: bool
    vehicle: str | None
    vehicle_condition: str | None
    salesperson: Employee
    bdc_agent: Employee | None
    status: str = "open"
    status_reason: str | None = None
    is_marked_duplicate: bool = False
    is_other_file: bool = False
    is_resend: bool = False
    is_test: bool = False
    modified_at: datetime | None = None

    @property
    def source_name(self) -> str | None:
        """The source as the CRM shows it."""
        return None if self.is_source_blank else self.source.name

    @property
    def is_sales(self) -> bool:
        """A sales enquiry by a real customer."""
        return self.source.lead_type != "service" and not self.is_test

    @property
    def is_counted(self) -> bool:
        """A sales enquiry that the provider did not send a second time."""
        return self.is_sales and not self.is_resend


@dataclass(frozen=True, slots=True)
class Touch:
    """One logged touch of a lead. `person` is null where the customer acted and nobody took it up."""

    number: int
    lead: Lead
    at: datetime
    person: Employee | None
    direction: str
    channel: str
    result: str
    is_automated: bool = False
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment record. A move to another time closes the record and opens a new one (`moved_to`)."""

    number: int
    lead: Lead
    kind: str
    set_at: datetime
    set_by: Employee
    due_at: datetime
    outcome: str
    confirmed_at: datetime | None = None
    shown_at: datetime | None = None
    cancelled_at: datetime | None = None
    moved_at: datetime | None = None
    moved_to: int | None = None
    is_moved_here: bool = False

    @property
    def is_standing(self) -> bool:
        """Neither cancelled nor moved before it was due."""
        left_at = self.cancelled_at or self.moved_at
        return left_at is None or left_at >= self.due_at


@dataclass(frozen=True, slots=True)
class Deal:
    """One deal. `lead` is null where the sale never had one; a split deal names the second salesperson."""

    number: int
    lead: Lead | None
    customer: Customer
    sold_at: datetime
    delivered_at: datetime
    sale_type: str
    vehicle_condition: str
    vin: str
    stock_number: str
    salesperson: Employee
    split_with: Employee | None
    front_gross: float | None
    back_gross: float | None
    reversed_at: datetime | None = None

    @property
    def is_counted(self) -> bool:
        """A retail or lease deal that was not reversed."""
        return self.sale_type in ("retail", "lease") and self.reversed_at is None

    @property
    def gross(self) -> float | None:
        """Front plus back; a missing part counts nothing, both missing is unknown."""
        if self.front_gross is None and self.back_gross is None:
            return None
        return (self.front_gross or 0) + (self.back_gross or 0)


@dataclass(frozen=True, slots=True)
class Survey:
    """One answered survey about a deal."""

    number: int
    deal: Deal
    answered_at: datetime
    score: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One buying episode of one customer: its leads in order, and all that followed from them."""

    leads: tuple[Lead, ...]
    touches: tuple[Touch, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    deals: tuple[Deal, ...] = ()
    closed_at: datetime | None = None
    closed_as: str = "open"
    closed_because: str | None = None

    @property
    def first(self) -> Lead:
        """The lead that opened the episode."""
        return self.leads[0]

    @property
    def last_activity_at(self) -> datetime:
        """The latest moment that anything of this episode happens."""
        moments = [lead.created_at for lead in self.leads]
        moments += [touch.at for touch in self.touches]
        moments += [max(booked.due_at, booked.set_at) for booked in self.appointments]
        moments += [max(deal.sold_at, deal.reversed_at or deal.sold_at) for deal in self.deals]
        return max(moments)


@dataclass(frozen=True, slots=True)
class SpendEntry:
    """What one source cost in one whole month."""

    source: Source
    month: date
    amount: float


@dataclass(frozen=True, slots=True)
class History:
    """All that happened at one store up to now."""

    episodes: tuple[Episode, ...]
    loose_deals: tuple[Deal, ...]
    surveys: tuple[Survey, ...]
    spend: tuple[SpendEntry, ...]
