"""The simulated group before anything happens: stores, staff, lead sources, and the stories hidden in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from loaders.settings import Store, StoreHours
from loaders.synthetic.chance import Chance
from loaders.synthetic.clock import StoreClock, clock_of
from loaders.synthetic.records import Employee, Source
from loaders.synthetic.words import FAMILY, GIVEN

Crm = Literal["vinsolutions", "activix"]
StoryKind = Literal["weak_step", "unlucky_leads", "late_source", "mix_month"]

STORY_KINDS: Final[tuple[StoryKind, ...]] = ("weak_step", "late_source", "unlucky_leads", "mix_month")
HOLIDAYS: Final = ((1, 1), (7, 4), (12, 25))
MORE_STORES: Final = ("Maple Ridge Cars", "Prairie Wheels", "Harbor Point Auto", "Stonegate Motors", "Valley Gate Cars")
POOR_SOURCE: Final = "AutoBazaar"
LATE_SOURCE: Final = "CarFinder"
LATE_SOURCE_TWIN: Final = "Website"
BURST_SOURCE: Final = "RideRadar"

SOURCES: Final = (
    Source("Website", "Website", "internet", 0.200, 0.77, 0.55, 0.65, 0.53, 0.030, 60.0),
    Source("Google Ads", "Paid search", "internet", 0.110, 0.72, 0.49, 0.61, 0.49, 0.030, 95.0),
    Source(
        "Facebook", "Social", "internet", 0.080, 0.63, 0.42, 0.54, 0.42, 0.020, 66.0, night_share=0.25, front_factor=0.8
    ),
    Source("AutoBazaar", "Third party", "internet", 0.120, 0.60, 0.35, 0.52, 0.38, 0.015, 82.0, front_factor=0.6),
    Source("CarFinder", "Third party", "internet", 0.100, 0.77, 0.55, 0.65, 0.53, 0.030, 58.0, 0.62, is_unwatched=True),
    Source("RideRadar", "Third party", "internet", 0.030, 0.58, 0.30, 0.50, 0.34, 0.010, 19.0, front_factor=0.6),
    Source("Factory site", "Manufacturer", "internet", 0.080, 0.73, 0.50, 0.64, 0.50, 0.025, 40.0),
    Source("Site chat", "Website", "chat", 0.040, 0.82, 0.50, 0.63, 0.50, 0.030, 42.0),
    Source("Phone", "Phone", "phone", 0.080, 0.86, 0.58, 0.68, 0.52, 0.045, night_share=0.0),
    Source("Walk-in", "Showroom", "walk_in", 0.080, 1.0, 0.12, 0.72, 0.50, 0.225, night_share=0.0),
    Source("Referral", "Referral", "referral", 0.025, 0.85, 0.58, 0.74, 0.58, 0.050, night_share=0.05),
    Source("Repeat customer", "Loyalty", "previous_customer", 0.030, 0.88, 0.58, 0.78, 0.62, 0.060, night_share=0.05),
    Source("Service drive", "Service", "service", 0.025, 0.80, 0.0, 0.0, 0.0, 0.0, night_share=0.0),
)
FREE_SOURCES: Final = ("Walk-in", "Referral", "Repeat customer")


@dataclass(frozen=True)
class Story:
    """Something true that is hidden in the data: who or what, where, and how large."""

    kind: StoryKind
    store: str
    subject: str
    month: date | None = None
    size: float = 1.0


@dataclass(frozen=True)
class Shop:
    """One store of the group. `months` holds the first day of each simulated month."""

    store: Store
    crm: Crm
    clock: StoreClock
    months: tuple[date, ...]
    leads_per_month: float
    sources: tuple[Source, ...]
    staff: tuple[Employee, ...]
    stories: tuple[Story, ...]
    as_of: datetime
    chance: Chance

    @property
    def machine(self) -> Employee:
        """The user in whose name the CRM writes by itself."""
        return self.with_role("machine")[0]

    def with_role(self, role: str, day: date | None = None) -> list[Employee]:
        """The staff of a role, those employed on `day` if one is given."""
        return [person for person in self.staff if person.role == role and (day is None or person.is_here(day))]

    def story(self, kind: StoryKind) -> Story | None:
        """The story of that kind, if this store hides it."""
        return next((story for story in self.stories if story.kind == kind), None)


def make_group(stores: int, months: int, leads_per_month: int, seed: int, as_of: datetime) -> tuple[Shop, ...]:
    """The stores of the group, each with a stream of chance of its own."""
    first_days = _months_up_to(as_of, months)
    return tuple(
        _make_shop(number, stores, first_days, leads_per_month / stores, seed, as_of) for number in range(stores)
    )


def _make_shop(number: int, stores: int, months: tuple[date, ...], leads: float, seed: int, as_of: datetime) -> Shop:
    store = _make_store(number, months)
    clock = clock_of(store, months[0] - timedelta(days=60), as_of.date() + timedelta(days=500))
    chance = Chance(f"{seed}/{store.name}")
    stories = _make_stories(number, stores, store.name, months)
    staff = _make_staff(number, chance, months, stories)
    named = tuple(replace(story, subject=_subject(story, staff)) for story in stories)
    crm: Crm = "activix" if number % 2 else "vinsolutions"
    sources = tuple(_handled(source, stories) for source in SOURCES)
    return Shop(store, crm, clock, months, leads, sources, staff, named, as_of, chance)


def _months_up_to(as_of: datetime, count: int) -> tuple[date, ...]:
    last = as_of.year * 12 + as_of.month - 1
    return tuple(date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1))


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def _make_store(number: int, months: tuple[date, ...]) -> Store:
    years = range(months[0].year, months[-1].year + 2)
    is_eastern = bool(number % 2)
    return Store(
        name=_store_name(number),
        time_zone="America/New_York" if is_eastern else "America/Chicago",
        currency="USD",
        hours=StoreHours(fri="09:00-18:00", sat="10:00-17:00") if is_eastern else StoreHours(sat="09:00-18:00"),
        holidays=tuple(date(year, month, day) for year in years for month, day in HOLIDAYS),
    )


def _store_name(number: int) -> str:
    names = ("Lakeside Motors", "Hillcrest Auto", *MORE_STORES)
    again, place = divmod(number, len(names))
    return f"{names[place]} {again + 1}" if again else names[place]


def _make_stories(number: int, stores: int, store: str, months: tuple[date, ...]) -> tuple[Story, ...]:
    """The first two stories live at the first store, the other two at the second (or all at the only one)."""
    homes = (0, 0, min(1, stores - 1), min(1, stores - 1))
    sizes = {"weak_step": 0.45, "unlucky_leads": 0.85, "late_source": 1.0, "mix_month": 1.0}
    month = months[max(0, len(months) - 6)] if len(months) > 6 else months[(len(months) - 1) // 2]
    here = (kind for kind, home in zip(STORY_KINDS, homes, strict=True) if home == number)
    return tuple(Story(kind, store, "", month if kind == "mix_month" else None, sizes[kind]) for kind in here)


def _subject(story: Story, staff: tuple[Employee, ...]) -> str:
    """Who or what a story is about."""
    match story.kind:
        case "weak_step":
            return next(person.name for person in staff if person.set_factor < 1)
        case "unlucky_leads":
            return next(person.name for person in staff if person.fed_by)
        case "late_source":
            return LATE_SOURCE
        case "mix_month":
            return BURST_SOURCE


def _handled(source: Source, stories: tuple[Story, ...]) -> Source:
    """Only the store of the late-source story leaves that inbox unwatched."""
    if source.is_unwatched and all(story.kind != "late_source" for story in stories):
        return replace(source, is_unwatched=False, night_share=0.12)
    return source


def _make_staff(
    number: int, chance: Chance, months: tuple[date, ...], stories: tuple[Story, ...]
) -> tuple[Employee, ...]:
    """Seven salespeople (one leaves, one comes), three BDC agents (one comes), two managers and a machine."""
    start, span = months[0] - timedelta(days=400), len(months)
    come, go = months[span // 3], months[span * 2 // 3] - timedelta(days=1)
    roles = ["salesperson"] * 7 + ["bdc_agent"] * 3 + ["manager"] * 2
    names = _staff_names(number, chance, len(roles))
    staff = [
        Employee(101 + place, name, role, "Sales" if role != "bdc_agent" else "BDC", start - timedelta(days=37 * place))
        for place, (name, role) in enumerate(zip(names, roles, strict=True))
    ]
    kinds = {story.kind: story for story in stories}
    if "weak_step" in kinds:
        staff[1] = replace(staff[1], set_factor=kinds["weak_step"].size)
    if "unlucky_leads" in kinds:
        staff[2] = replace(staff[2], fed_by=POOR_SOURCE)
    staff[5] = replace(staff[5], ended_on=go)
    staff[6] = replace(staff[6], started_on=come)
    staff[9] = replace(staff[9], started_on=come)
    return (*staff, Employee(190, "Automated follow-up", "machine", "System", start))


def _staff_names(number: int, chance: Chance, count: int) -> list[str]:
    """Names that no other store's staff has, with given names and family names from both ends of the lists."""
    families = chance.shuffled(len(FAMILY) // 8)[:count]
    return [f"{chance.pick(GIVEN)} {FAMILY[(family * 8 + number) % len(FAMILY)]}" for family in families]


def utc(at: datetime) -> datetime:
    """The moment in UTC in whole seconds; one without a zone is taken as UTC."""
    zoned = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(microsecond=0)
