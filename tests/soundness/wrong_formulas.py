"""Wrong formulas that dealerships meet, each on a data set small enough to count on one's fingers.

`wrong` is the formula as others compute it, in plain SQL on the very star that `question` is asked of. Each case is a
store of its own, so that all of them are loaded at once. The rows of docs/why_other_numbers_differ.md are written from
here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Case:
    """One wrong formula: who uses it, what the exports hold, and what each side makes of them.

    `files` maps a table to its export; the store is added. `says` is what the wrong formula says, `ours` what Upboard
    says, both as people read them.
    """

    store: str
    part: str
    formula: str
    seen: str
    data: str
    files: dict[str, str]
    wrong: str
    says: str
    question: tuple[str, ...]
    ours: str
    settings: str = field(default="")


WHO: Final = "Who is counted"
OUTCOMES: Final = "Leads that have no outcome, or a bad one"
TIME: Final = "Periods and windows"
SHOWS: Final = "Appointments"
ANSWERS: Final = "Response"
DEALS: Final = "Deals and money"
TOTALS: Final = "People and totals"
PARTS: Final = (WHO, OUTCOMES, TIME, SHOWS, ANSWERS, DEALS, TOTALS)

SOLD_OF_ALL: Final = "select count(*) filter (where is_sold) / count(*) from fct_opportunity"
NOON: Final = "2026-03-02T12:00:00"


def leads(count: int, **last: str) -> str:
    """So many leads of Monday 2 March at noon, numbered from 1; `last` gives further columns, values parted by spaces.

    A value of "-" is blank.
    """
    columns = {name: values.split() for name, values in last.items()}
    rows = [
        ",".join(["" if cell == "-" else cell for cell in (str(n + 1), NOON, *(c[n] for c in columns.values()))])
        for n in range(count)
    ]
    return "\n".join([",".join(["lead_id", "created_at", *columns]), *rows])


def sold(*lead_ids: int) -> str:
    """A deal of 10 March for each of these leads."""
    return "\n".join(["sale_id,lead_id,sold_at", *(f"s{n},{n},2026-03-10T15:00:00" for n in lead_ids)])


def due(*rows: str) -> str:
    """Appointments of lead 1, set on 2 March: "due day, outcome, cancelled at"."""
    listed = [f"a{n},1,2026-03-02T14:00:00,{row}" for n, row in enumerate(rows)]
    return "\n".join(["appointment_id,lead_id,set_at,due_at,outcome,cancelled_at", *listed])


def calls(*rows: str) -> str:
    """Outbound touches: "lead, time, channel, is_automated"."""
    listed = [f"t{n},{row},out,other" for n, row in enumerate(rows)]
    return "\n".join(["contact_id,lead_id,occurred_at,channel,is_automated,direction,result", *listed])


CASES: Final = (
    Case(
        store="submissions",
        part=WHO,
        formula="Each web form is a customer",
        seen="dealerrefresh thread 1867; one project found its CRM's report at 1.8 to 2 times the customers",
        data="One shopper fills in ten forms and buys one car.",
        files={"lead": leads(10, email=" ".join(["ana@example.com"] * 10)), "sale": sold(1)},
        wrong="select (select count(*) from fct_sale) / count(*) from fct_lead",
        says="10 %",
        question=("closing_rate",),
        ours="100 %",
    ),
    Case(
        store="placeholder",
        part=WHO,
        formula="One phone is one customer, 000-000-0000 too",
        seen="GarvStoreDash, which documents that a shared phone merges strangers",
        data="Two strangers; somebody typed 000-000-0000 for both.",
        files={"lead": leads(2, phone="000-000-0000 000-000-0000")},
        wrong="select count(distinct phone) from bridge_customer_lead",
        says="1",
        question=("opportunities",),
        ours="2",
    ),
    Case(
        store="service",
        part=WHO,
        formula="Every lead is a sales lead",
        seen="service and parts enquiries leak into sales exports (GarvStoreDash allow-lists lead types for it)",
        data="Two sales leads, one of them sold, and two service enquiries.",
        files={"lead": leads(4, lead_type="internet phone service service"), "sale": sold(1)},
        wrong=SOLD_OF_ALL,
        says="25 %",
        question=("closing_rate",),
        ours="50 %",
    ),
    Case(
        store="status log",
        part=WHO,
        formula="Rows of the status log are counted as leads",
        seen="reports built on a CRM's history table",
        data='Two leads; one was moved to "Appointment set", to "No show", and to "Appointment set" again.',
        files={
            "lead": leads(2),
            "appointment": due("2026-03-04T15:00:00,no_show,"),
            "status_change": """status_change_id,lead_id,changed_at,to_status
                1,1,2026-03-02T14:00:00,Appointment set
                2,1,2026-03-04T16:00:00,No show
                3,1,2026-03-05T10:00:00,Appointment set""",
        },
        wrong="""select count(*) filter (where to_status = 'Appointment set') / (select count(*) from fct_opportunity)
            from fct_status_change""",
        says="100 %",
        question=("set_rate",),
        ours="50 %",
    ),
    Case(
        store="lost",
        part=OUTCOMES,
        formula="Lost leads leave the funnel",
        seen="one store group's list of excluded statuses, several of which are lost sales",
        data="Four leads: one sold, two lost, one open.",
        files={"lead": leads(4, status="open lost lost open"), "sale": sold(1)},
        wrong="select count(*) filter (where is_sold) / count(*) from fct_opportunity where not is_lost",
        says="50 %",
        question=("closing_rate",),
        ours="25 %",
    ),
    Case(
        store="bad",
        part=OUTCOMES,
        formula="Leads that somebody marked bad leave the denominator",
        seen='VinSolutions Lead Source ROI, whose percentages are of "good leads"',
        data="Four leads: one sold, two marked bad, one open.",
        files={"lead": leads(4, status="open bad bad open"), "sale": sold(1)},
        wrong="select count(*) filter (where is_sold) / count(*) from fct_opportunity where not is_bad",
        says="50 %",
        question=("closing_rate",),
        ours="25 %",
    ),
    Case(
        store="no losses",
        part=OUTCOMES,
        formula="Won per lost, and 0 where nothing was lost",
        seen="spreadsheets that catch a division by zero",
        data="Cy sold both of his leads.",
        files={"lead": leads(2, salesperson="Cy Cy"), "sale": sold(1, 2)},
        wrong="""select coalesce(count(*) filter (where is_sold) / nullif(count(*) filter (where is_lost), 0), 0)
            from fct_opportunity""",
        says="0 %",
        question=("closing_rate", "--where", "person=Cy"),
        ours="100 %",
    ),
    Case(
        store="only closed",
        part=OUTCOMES,
        formula="Won of won and lost: a lead that nobody closes in the CRM does not count",
        seen='the "win rate" of general CRMs',
        data="Di has ten leads: one sold, none marked lost, nine just left open.",
        files={"lead": leads(10, salesperson=" ".join(["Di"] * 10)), "sale": sold(1)},
        wrong="""select count(*) filter (where is_sold) / count(*) filter (where is_sold or is_lost)
            from fct_opportunity""",
        says="100 %",
        question=("closing_rate", "--where", "person=Di"),
        ours="10 %",
    ),
    Case(
        store="window",
        part=TIME,
        formula="The window is a day too long: the day of the lead is not counted as its first",
        seen="N-day rates made from dates without times",
        data="Four leads of 2 March, 12:00. One bought on 1 April at 11:00, within 30 days; one on 2 April.",
        files={
            "lead": leads(4),
            "sale": "sale_id,lead_id,sold_at\n1,1,2026-04-01T11:00:00\n2,2,2026-04-02T11:00:00",
        },
        wrong="""select count(*) filter (where cast(sold_at as date) <= created_on + 31) / count(*)
            from fct_opportunity""",
        says="50 %",
        question=("closing_rate_30",),
        ours="25 %",
    ),
    Case(
        store="immature",
        part=TIME,
        formula="Leads that have not had their N days are misses",
        seen="cohort reports read before the cohort is old enough (dealerrefresh thread 9942)",
        data="Two leads of March, one sold; two of last week, open.",
        files={
            "lead": f"lead_id,created_at\n1,{NOON}\n2,{NOON}\n3,2026-06-25T12:00:00\n4,2026-06-25T12:00:00",
            "sale": sold(1),
        },
        wrong="select count(*) filter (where seconds_to_sold <= 30 * 86400) / count(*) from fct_opportunity",
        says="25 %",
        question=("closing_rate_30",),
        ours="50 %",
    ),
    Case(
        store="in period",
        part=TIME,
        formula="Deals of the month over leads of the month, called a closing rate",
        seen='VinSolutions "Sold in Timeframe", Tekion, most stores',
        data="April brings two leads, of which one buys; two leads of March buy in April as well.",
        files={
            "lead": f"lead_id,created_at\n1,{NOON}\n2,{NOON}\n3,2026-04-02T12:00:00\n4,2026-04-02T12:00:00",
            "sale": "sale_id,lead_id,sold_at\n" + "\n".join(f"{n},{n},2026-04-06T12:00:00" for n in (1, 2, 3)),
        },
        wrong="""select (select count(*) from fct_sale where sold_on between '2026-04-01' and '2026-04-30') / count(*)
            from fct_opportunity where created_on between '2026-04-01' and '2026-04-30'""",
        says="150 %",
        question=("closing_rate", "--from", "2026-04-01", "--to", "2026-04-30"),
        ours="50 %",
    ),
    Case(
        store="midnight",
        part=TIME,
        formula="A day ends at midnight UTC",
        seen="tools that read every time as UTC; one public tool loses the last day of each range so",
        data="A store in Chicago: a lead of 15 March, and one of 31 March at 22:30.",
        files={"lead": "lead_id,created_at\n1,2026-03-15T10:00:00\n2,2026-03-31T22:30:00"},
        wrong="select count(*) from fct_lead where cast(created_at as date) between '2026-03-01' and '2026-03-31'",
        says="1",
        question=("leads", "--from", "2026-03-01", "--to", "2026-03-31"),
        ours="2",
        settings='time_zone = "America/Chicago"',
    ),
    Case(
        store="clocks",
        part=SHOWS,
        formula="Shown this month over set this month",
        seen="Foureyes and NCM (shown / set); a real report printed 1 set, 10 shown, 91 %",
        data="Eleven appointments due in April, ten shown; ten of them were set in March, one in April.",
        files={
            "lead": leads(1),
            "appointment": "appointment_id,lead_id,set_at,due_at,outcome\n"
            + "\n".join(f"a{n},1,2026-03-30T12:00:00,2026-04-{n + 1:02}T12:00:00,shown" for n in range(10))
            + "\nb,1,2026-04-20T12:00:00,2026-04-22T12:00:00,no_show",
        },
        wrong="""select
            count(*) filter (where is_shown and cast(shown_at as date) between '2026-04-01' and '2026-04-30')
            / count(*) filter (where set_on between '2026-04-01' and '2026-04-30') from fct_appointment""",
        says="1,000 %",
        question=("show_rate", "--from", "2026-04-01", "--to", "2026-04-30"),
        ours="90.9 %",
    ),
    Case(
        store="cancelled",
        part=SHOWS,
        formula="Cancelled days ahead, and still a no-show",
        seen="shown / scheduled over every row; Upboard has it under its own name, show_rate_strict",
        data="Four appointments: one shown, one not, two cancelled the day before.",
        files={
            "lead": leads(1),
            "appointment": due(
                "2026-03-05T12:00:00,shown,",
                "2026-03-06T12:00:00,no_show,",
                "2026-03-07T12:00:00,cancelled,2026-03-06T12:00:00",
                "2026-03-09T12:00:00,cancelled,2026-03-08T12:00:00",
            ),
        },
        wrong="select count(*) filter (where is_shown) / count(*) from fct_appointment",
        says="25 %",
        question=("show_rate",),
        ours="50 %",
    ),
    Case(
        store="unresolved",
        part=SHOWS,
        formula="Shown of shown and no-show: what nobody recorded does not count",
        seen="theclose.agency; any CRM where a person must mark the miss",
        data="Four appointments are past: one shown, one marked no-show, two without any outcome.",
        files={
            "lead": leads(1),
            "appointment": due(
                "2026-03-05T12:00:00,shown,",
                "2026-03-06T12:00:00,no_show,",
                "2026-03-07T12:00:00,open,",
                "2026-03-09T12:00:00,open,",
            ),
        },
        wrong="""select count(*) filter (where is_shown) / count(*) filter (where is_shown or is_no_show)
            from fct_appointment""",
        says="50 %",
        question=("show_rate",),
        ours="25 %",
    ),
    Case(
        store="future",
        part=SHOWS,
        formula="Appointments of next week are misses",
        seen="shown / set, read before the month is over",
        data="Two appointments shown, two still to come.",
        files={
            "lead": leads(1),
            "appointment": due(
                "2026-03-05T12:00:00,shown,",
                "2026-03-06T12:00:00,shown,",
                "2026-07-02T12:00:00,open,",
                "2026-07-03T12:00:00,open,",
            ),
        },
        wrong="select count(*) filter (where is_shown) / count(*) from fct_appointment",
        says="50 %",
        question=("show_rate",),
        ours="100 %",
    ),
    Case(
        store="rescheduled",
        part=SHOWS,
        formula="A moved appointment is two appointments",
        seen="CRMs that write a new row for the new time",
        data="One appointment, moved once, then shown.",
        files={
            "lead": leads(1),
            "appointment": """appointment_id,lead_id,set_at,due_at,outcome,rescheduled_at,rescheduled_to
                a,1,2026-03-02T14:00:00,2026-03-05T12:00:00,rescheduled,2026-03-04T12:00:00,b
                b,1,2026-03-04T12:00:00,2026-03-07T12:00:00,shown,,""",
        },
        wrong="select count(*) from fct_appointment",
        says="2",
        question=("appointments_set",),
        ours="1",
    ),
    Case(
        store="several each",
        part=SHOWS,
        formula="Appointments over leads",
        seen="set rates that pass 100 %, as a public dashboard's own comment records",
        data="Two leads; one of them makes three appointments before it comes.",
        files={
            "lead": leads(2),
            "appointment": due(
                "2026-03-05T12:00:00,no_show,", "2026-03-06T12:00:00,no_show,", "2026-03-07T12:00:00,shown,"
            ),
        },
        wrong="select count(*) / (select count(*) from fct_opportunity) from fct_appointment",
        says="150 %",
        question=("set_rate",),
        ours="50 %",
    ),
    Case(
        store="auto reply",
        part=ANSWERS,
        formula="An auto-reply is an answer",
        seen="many CRMs' averages (AVV leaves it out)",
        data="One lead: the auto-reply after a minute, a person's call after three hours.",
        files={
            "lead": leads(1),
            "contact": calls("1,2026-03-02T12:01:00,email,yes", "1,2026-03-02T15:00:00,call,no"),
        },
        wrong="""select count(*) filter (where epoch(first_any_response_at) - epoch(created_at) <= 15 * 60) / count(*)
            from fct_opportunity""",
        says="100 %",
        question=("answered_within_standard",),
        ours="0 %",
    ),
    Case(
        store="unanswered",
        part=ANSWERS,
        formula="Response time of the leads that were answered",
        seen="any average of response times; who never answers the hard ones is fast",
        data="Five leads: answered after 5, 10 and 30 minutes, and two never.",
        files={
            "lead": leads(5),
            "contact": calls(
                *(f"{n},2026-03-02T12:{minute:02}:00,call,no" for n, minute in ((1, 5), (2, 10), (3, 30)))
            ),
        },
        wrong="select median(seconds_to_first_attempt) / 60 from fct_opportunity",
        says="10 min",
        question=("median_response_minutes",),
        ours="30 min",
    ),
    Case(
        store="tail",
        part=ANSWERS,
        formula="The mean of response times",
        seen="CRM averages; one lead left over a weekend decides them",
        data="Three leads, answered after 5, 10 and 405 minutes.",
        files={
            "lead": leads(3),
            "contact": calls(
                "1,2026-03-02T12:05:00,call,no", "2,2026-03-02T12:10:00,call,no", "3,2026-03-02T18:45:00,call,no"
            ),
        },
        wrong="select avg(seconds_to_first_attempt) / 60 from fct_opportunity",
        says="140 min",
        question=("median_response_minutes",),
        ours="10 min",
    ),
    Case(
        store="night",
        part=ANSWERS,
        formula="The clock runs while the store is closed",
        seen='"actual" response time; VinSolutions has an "adjusted" one beside it',
        data="A lead at 22:00; the store opens at 9:00, and a person calls at 9:05.",
        files={
            "lead": "lead_id,created_at\n1,2026-03-02T22:00:00",
            "contact": calls("1,2026-03-03T09:05:00,call,no"),
        },
        wrong="select median(seconds_to_first_attempt) / 60 from fct_opportunity",
        says="665 min",
        question=("median_response_minutes",),
        ours="5 min",
    ),
    Case(
        store="fan-out",
        part=DEALS,
        formula="Gross is added up after joining deals to touches",
        seen="BI models with a many-to-many join",
        data="One deal of 3,000 gross; four calls were made to its buyer.",
        files={
            "lead": leads(1),
            "contact": calls(*(f"1,2026-03-02T{13 + n}:00:00,call,no" for n in range(4))),
            "sale": "sale_id,lead_id,sold_at,total_gross\n1,1,2026-03-10T12:00:00,3000",
        },
        wrong="select sum(s.gross) from fct_sale as s join fct_contact as c using (opportunity_key)",
        says="12,000.00",
        question=("gross",),
        ours="3,000.00",
    ),
    Case(
        store="unknown spend",
        part=DEALS,
        formula="Spend that nobody entered is zero",
        seen='cost reports; $0 is usually "not entered", not free',
        data="The website brings four leads for 1,000; a listing site brings six, and its bill was never entered.",
        files={
            "lead": leads(10, source=" ".join(["Website"] * 4 + ["Listings"] * 6)),
            "spend": """source,period_start,period_end,amount
                Website,2026-03-01,2026-03-31,1000
                Listings,2026-03-01,2026-03-31,0""",
        },
        wrong="select sum(amount) / (select count(*) from fct_lead) from fct_spend",
        says="100.00",
        question=("cost_per_lead",),
        ours="250.00",
    ),
    Case(
        store="blank gross",
        part=DEALS,
        formula="A gross that is blank is zero",
        seen="a public parser of CRM exports; spreadsheets",
        data="Two deals: one of 3,000, one whose gross is not entered yet.",
        files={
            "lead": leads(2),
            "sale": "sale_id,lead_id,sold_at,total_gross\n1,1,2026-03-10T12:00:00,3000\n2,2,2026-03-10T12:00:00,",
        },
        wrong="select avg(coalesce(gross, 0)) from fct_sale",
        says="1,500.00",
        question=("gross_per_sale",),
        ours="3,000.00",
    ),
    Case(
        store="split",
        part=DEALS,
        formula="A split deal is a deal of each",
        seen="boards that give each of the two a stroke",
        data="One deal, split between Gus and Hal.",
        files={
            "lead": leads(1),
            "sale": "sale_id,lead_id,sold_at,salesperson,split_with\n1,1,2026-03-10T12:00:00,Gus,Hal",
        },
        wrong="select count(*) from fct_sale",
        says="2",
        question=("sold_units",),
        ours="1",
    ),
    Case(
        store="two systems",
        part=DEALS,
        formula="The CRM's deals and the DMS's deals are added",
        seen="groups that load both exports",
        data="One car, sold once: a record in the CRM, one in the DMS, with the same VIN.",
        files={
            "lead": leads(1, system="crm"),
            "sale": """system,sale_id,lead_id,sold_at,vin
                crm,C1,1,2026-03-10T12:00:00,1TEST000000000001
                dms,D1,,2026-03-11T12:00:00,1TEST000000000001""",
        },
        wrong="select count(*) from snapshot.canonical.sale where store = 'two systems'",
        says="2",
        question=("sold_units",),
        ours="1",
    ),
    Case(
        store="unwound",
        part=DEALS,
        formula="A deal that was taken back stays sold",
        seen='counts of the CRM\'s "sold" click; the DMS has a reversal date',
        data="Two deals, one of them unwound a week later.",
        files={
            "lead": leads(2),
            "sale": """sale_id,lead_id,sold_at,reversed_at
                1,1,2026-03-10T12:00:00,
                2,2,2026-03-10T12:00:00,2026-03-17T12:00:00""",
        },
        wrong="select count(*) from fct_sale",
        says="2",
        question=("sold_units",),
        ours="1",
    ),
    Case(
        store="mixed owners",
        part=TOTALS,
        formula="Deals by who sold, over leads by who owned",
        seen="sales boards set beside a CRM's lead counts",
        data="Ida owns one lead, unsold; Joe owns two, and both buy from Ida.",
        files={
            "lead": leads(3, salesperson="Ida Joe Joe"),
            "sale": "sale_id,lead_id,sold_at,salesperson\n1,2,2026-03-10T12:00:00,Ida\n2,3,2026-03-10T12:00:00,Ida",
        },
        wrong="""select (select count(*) from fct_sale where salesperson_key = person_key)
            / (select count(*) from fct_opportunity where salesperson_key = person_key)
            from dim_person where person = 'Ida'""",
        says="200 %",
        question=("closing_rate", "--where", "person=Ida"),
        ours="0 %",
    ),
    Case(
        store="averaged",
        part=TOTALS,
        formula="The total is the mean of the people's rates",
        seen="subtotals of spreadsheets and pivot tables",
        data="Kay closes one of one, Lou one of nine.",
        files={"lead": leads(10, salesperson=" ".join(["Kay"] + ["Lou"] * 9)), "sale": sold(1, 2)},
        wrong=f"select avg(rate) from ({SOLD_OF_ALL.replace(' from', ' as rate from')} group by salesperson_key)",
        says="55.6 %",
        question=("closing_rate",),
        ours="20 %",
    ),
    Case(
        store="summed",
        part=TOTALS,
        formula="The total is the sum of the sources' rates",
        seen="a totals row that adds a percent column",
        data="The website closes one of two, the phone one of two.",
        files={"lead": leads(4, source="Website Website Phone Phone"), "sale": sold(1, 3)},
        wrong=f"select sum(rate) from ({SOLD_OF_ALL.replace(' from', ' as rate from')} group by source_key)",
        says="100 %",
        question=("closing_rate",),
        ours="50 %",
    ),
    Case(
        store="campaign",
        part=TOTALS,
        formula="What a machine sends in a person's name is that person's work",
        seen="activity counts by user; DriveCentric and VinSolutions mark automatic messages",
        data="Mia makes one call; three campaign e-mails go out under her name.",
        files={
            "lead": leads(1),
            "contact": """contact_id,lead_id,occurred_at,channel,is_automated,direction,result,person
                1,1,2026-03-02T13:00:00,call,no,out,no_answer,Mia
                2,1,2026-03-03T13:00:00,email,yes,out,sent,Mia
                3,1,2026-03-04T13:00:00,email,yes,out,sent,Mia
                4,1,2026-03-05T13:00:00,email,yes,out,sent,Mia""",
        },
        wrong="select count(*) from fct_contact join dim_person using (person_key) where person = 'Mia'",
        says="4",
        question=("touches_logged", "--where", "person=Mia"),
        ours="1",
    ),
    Case(
        store="two surveys",
        part=TOTALS,
        formula="One mean over two surveys",
        seen="CSI columns that mix the maker's survey with the store's",
        data="The maker's survey (1 to 5) gives 5, the store's own (1 to 10) gives 7.",
        files={
            "lead": leads(2),
            "survey": """survey_id,lead_id,answered_at,instrument,kind,score,scale_min,scale_max
                1,1,2026-03-20T12:00:00,Maker,sales,5,1,5
                2,2,2026-03-20T12:00:00,Our own,sales,7,1,10""",
        },
        wrong="select avg(score) from fct_survey",
        says="6",
        question=("csi_mean",),
        ours="n/a",
    ),
)
