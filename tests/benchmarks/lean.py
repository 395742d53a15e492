"""The star of the simulated exports of tests/benchmarks/volume.py, by the leanest statements that a person would write.

They know what those files are like (every record names its lead by id, one version of each, no chains of shared e-mails
and phones, one time zone, the usual hours, no machines, reschedules, split deals, reversals or spend) and leave out all
that real exports need. They write the same facts with the same columns; `differences` proves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

LEAN_STAR: Final = r"""
create table dim_store as
select store, left(md5(store || chr(31) || chr(31)), 16) as store_key
from (select distinct store from source.canonical.lead);

create temp table person as
select
    store,
    name,
    left(md5(
        store || chr(31) || 'name' || chr(31)
        || array_to_string(list_sort(regexp_split_to_array(lower(name), '[^\p{L}\p{N}]+')), ' ')
    ), 16) as person_key
from (select distinct store, salesperson as name from source.canonical.lead);

create temp table lead_source as
select source, left(md5('source' || chr(31) || lower(source) || chr(31)), 16) as source_key
from (select distinct source from source.canonical.lead);

create table dim_date as
with
days as (
    select cast(unnest(generate_series(date '2000-01-01', date '2028-12-31', interval 1 day)) as date) as day
),
hours as (
    select
        day,
        case when isodow(day) < 7 then timezone('America/Chicago', cast(day as timestamp) + interval 9 hour) end
            as opens_at,
        case when isodow(day) < 7 then timezone('America/Chicago', cast(day as timestamp) + interval 20 hour) end
            as closes_at
    from days
)
select
    *,
    cast(coalesce(sum(epoch(closes_at) - epoch(opens_at)) over (
        order by day rows between unbounded preceding and 1 preceding
    ), 0) as bigint) as open_seconds_before
from hours;

create temp table numbered_lead as
select *, row_number() over (order by created_at, lead_key) as number
from (
    select
        left(md5(store || chr(31) || system || chr(31) || lead_id), 16) as lead_key,
        * exclude (vehicle_condition, bdc_agent)
    from source.canonical.lead
);

-- Same e-mail or same phone: the earliest lead that one of the two leads to.
create temp table customer as
with
marks as (
    select number, store || lower(email) as mark from numbered_lead
    union all
    select number, store || right(regexp_replace(phone, '\D', '', 'g'), 10) from numbered_lead
),
earliest as (
    select number, min(first_number) as first_number
    from (select number, min(number) over (partition by mark) as first_number from marks)
    group by number
)
select e.number, l.lead_key as customer_key
from earliest as e
join numbered_lead as l on l.number = e.first_number;

create temp table keyed_lead as
select
    l.lead_key,
    c.customer_key,
    s.store_key,
    r.source_key,
    p.person_key as salesperson_key,
    cast(timezone('America/Chicago', l.created_at) as date) as created_on,
    l.store, l.system, l.lead_id, l.customer_id, l.customer_name, l.email, l.phone, l.phone_2, l.merged_into,
    l.created_at, l.lead_type, l.status, l.is_resend, l.is_test, l.source_file, l.source_line
from numbered_lead as l
join customer as c using (number)
join dim_store as s using (store)
join lead_source as r using (source)
join person as p on p.store = l.store and p.name = l.salesperson;

create temp table episode as
with
activity as (
    select customer_key, created_at as moment, lead_key from keyed_lead
    union all
    select l.customer_key, c.occurred_at, null
    from source.canonical.contact as c
    join keyed_lead as l using (store, system, lead_id)
    where not c.is_automated
    union all
    select l.customer_key, unnest([a.set_at, case when a.outcome = 'shown' then a.due_at end]), null
    from source.canonical.appointment as a
    join keyed_lead as l using (store, system, lead_id)
    union all
    select l.customer_key, greatest(s.sold_at, l.created_at), 'sale'
    from source.canonical.sale as s
    join keyed_lead as l using (store, system, lead_id)
),
gaps as (
    select
        *,
        floor(epoch(moment)) - floor(epoch(lag(moment) over customer)) > 90 * 86400
        or lag(lead_key) over customer = 'sale' as is_new
    from activity
    where moment is not null
    window customer as (partition by customer_key order by moment, lead_key = 'sale', lead_key)
),
numbered as (
    select
        customer_key,
        lead_key,
        moment,
        sum(case when is_new then 1 else 0 end) over (
            partition by customer_key order by moment, lead_key = 'sale', lead_key rows unbounded preceding
        ) as episode
    from gaps
)
select
    lead_key,
    left(md5('opportunity' || chr(31) || first_value(lead_key) over (
        partition by customer_key, episode order by moment, lead_key
    ) || chr(31)), 16) as opportunity_key
from numbered
where lead_key <> 'sale';

create table fct_lead as
select
    l.lead_key,
    e.opportunity_key,
    l.store_key,
    l.customer_key,
    l.source_key,
    l.lead_type,
    '(not given)' as vehicle_condition,
    l.salesperson_key,
    'unassigned' as bdc_agent_key,
    l.created_at,
    l.created_on,
    l.created_at as created_by,
    l.status,
    not l.is_resend and not l.is_test as is_counted,
    l.status = 'duplicate' as is_duplicate,
    l.status = 'bad' as is_bad,
    l.phone is not null as has_phone,
    l.email is not null as has_email,
    l.phone is not null or l.email is not null as is_reachable,
    true as has_source,
    true as has_owner,
    l.status in ('lost', 'bad') as is_given_up,
    false as has_reason,
    false as has_known_spend,
    l.lead_id,
    l.system,
    l.source_file,
    l.source_line
from keyed_lead as l
join episode as e using (lead_key)
order by l.created_at, l.lead_key;

create table bridge_customer_lead as
select
    customer_key, lead_key, store, system, lead_id, created_at, customer_id, customer_name, email, phone, phone_2,
    merged_into
from keyed_lead
order by customer_key, created_at, lead_key;

create table dim_customer as
select
    customer_key,
    any_value(store_key) as store_key,
    arg_max(customer_name, created_at) as customer,
    arg_max(email, created_at) as email,
    arg_max(phone, created_at) as phone,
    count(*) as lead_count
from keyed_lead
group by customer_key
union all
select 'unknown', '', '(unknown)', null, null, 0
order by customer_key;

create table fct_contact as
select
    left(md5(c.store || chr(31) || c.system || chr(31) || c.contact_id), 16) as contact_key,
    l.opportunity_key,
    l.lead_key,
    l.store_key,
    l.customer_key,
    p.person_key,
    c.occurred_at,
    cast(timezone('America/Chicago', c.occurred_at) as date) as occurred_on,
    c.recorded_at,
    case when c.recorded_at >= c.occurred_at then cast(epoch(c.recorded_at) - epoch(c.occurred_at) as bigint) end
        as seconds_to_recorded,
    c.direction,
    c.channel,
    c.result,
    not c.is_automated as is_human,
    c.direction = 'in' and not c.is_automated as is_by_customer,
    c.direction = 'out' as is_outbound,
    c.direction = 'out' and not c.is_automated as is_attempt,
    c.source_file,
    c.source_line
from source.canonical.contact as c
join (
    select k.store, k.system, k.lead_id, f.* exclude (lead_id, system, source_file, source_line)
    from fct_lead as f join keyed_lead as k using (lead_key)
) as l using (store, system, lead_id)
join person as p on p.store = c.store and p.name = c.person
order by c.occurred_at, contact_key;

create temp table appointment as
select
    left(md5(a.store || chr(31) || a.system || chr(31) || a.appointment_id), 16) as appointment_key,
    l.opportunity_key,
    l.customer_key,
    p.person_key as setter_key,
    case when a.outcome = 'shown' then a.due_at end as shown_at,
    a.*
from source.canonical.appointment as a
join fct_lead as l using (system, lead_id)
join person as p on p.store = a.store and p.name = a.set_by;

create temp table sale as
select
    left(md5(s.store || chr(31) || s.system || chr(31) || s.sale_id), 16) as sale_key,
    l.opportunity_key,
    l.store_key,
    l.customer_key,
    p.person_key as salesperson_key,
    cast(timezone('America/Chicago', s.sold_at) as date) as sold_on,
    s.*
from source.canonical.sale as s
join fct_lead as l using (system, lead_id)
join person as p on p.store = s.store and p.name = s.salesperson;

create table fct_opportunity as
with
leads as (
    select
        opportunity_key,
        any_value(store_key) as store_key,
        any_value(customer_key) as customer_key,
        arg_min(source_key, created_at) as source_key,
        arg_min(lead_type, created_at) as lead_type,
        arg_max(salesperson_key, created_at) as salesperson_key,
        min(created_at) as created_at,
        min(created_on) as created_on,
        bool_and(status = 'lost') as is_lost,
        count(*) as lead_count,
        arg_min(lead_id, created_at) as lead_id,
        arg_min(source_line, created_at) as source_line
    from fct_lead
    group by opportunity_key
),
touches as (
    select
        opportunity_key,
        min(occurred_at) filter (is_attempt) as first_attempt_at,
        arg_min(person_key, occurred_at) filter (is_attempt) as responder_key,
        min(occurred_at) filter (direction = 'out') as first_any_response_at,
        min(occurred_at) filter (direction = 'out' and not is_human) as first_automated_at,
        min(occurred_at) filter (is_by_customer and occurred_at > created_at) as first_reply_at,
        min(occurred_at) filter (channel = 'call' and is_human) as answered_call_at,
        min(occurred_at) filter (is_by_customer and channel <> 'call') as customer_message_at,
        max(occurred_at) filter (is_by_customer and channel <> 'call') as last_customer_message_at,
        min(occurred_at) filter (is_attempt and channel <> 'call') as person_message_at,
        max(occurred_at) filter (is_attempt or (channel = 'call' and is_human)) as last_spoken_at,
        count(*) filter (is_attempt) as attempt_count,
        count(*) filter (is_attempt and occurred_at < created_at + interval 86400 second) as attempt_count_1d,
        count(*) filter (is_attempt and occurred_at < created_at + interval 259200 second) as attempt_count_3d,
        count(*) filter (is_attempt and occurred_at < created_at + interval 864000 second) as attempt_count_10d,
        count(distinct occurred_on) filter (is_attempt and occurred_at < created_at + interval 864000 second)
            as attempt_days_10d,
        count(*) filter (is_attempt and occurred_at < created_at + interval 432000 second) as follow_up_count,
        min(channel) filter (is_attempt) <> max(channel) filter (is_attempt) as is_multi_channel
    from fct_contact
    join leads using (opportunity_key)
    group by opportunity_key
),
appointments as (
    select
        opportunity_key,
        min(set_at) as appointment_set_at,
        min(due_at) as appointment_due_at,
        min(shown_at) as shown_at,
        arg_min(setter_key, set_at) as setter_key
    from appointment
    group by opportunity_key
),
sales as (
    select opportunity_key, min(sold_at) as sold_at from sale group by opportunity_key
),
reached as (
    select
        *,
        least(
            answered_call_at,
            shown_at,
            case when customer_message_at is not null and person_message_at is not null
                then greatest(customer_message_at, person_message_at) end
        ) as contacted_at
    from leads
    left join touches using (opportunity_key)
    left join appointments using (opportunity_key)
    left join sales using (opportunity_key)
),
opened as (
    select
        r.*,
        c.open_seconds_before + case when c.opens_at is null then 0
            else cast(floor(greatest(0, epoch(least(r.created_at, c.closes_at)) - epoch(c.opens_at))) as bigint) end
            as created_open_seconds,
        r.created_at >= c.opens_at and r.created_at < c.closes_at as is_in_hours,
        f.open_seconds_before + case when f.opens_at is null then 0
            else cast(floor(greatest(0, epoch(least(r.first_attempt_at, f.closes_at)) - epoch(f.opens_at))) as bigint)
            end as attempt_open_seconds,
        a.open_seconds_before + case when a.opens_at is null then 0
            else cast(floor(
                greatest(0, epoch(least(r.first_any_response_at, a.closes_at)) - epoch(a.opens_at))
            ) as bigint) end as response_open_seconds
    from reached as r
    join dim_date as c on c.day = r.created_on
    left join dim_date as f on f.day = cast(timezone('America/Chicago', r.first_attempt_at) as date)
    left join dim_date as a on a.day = cast(timezone('America/Chicago', r.first_any_response_at) as date)
)
select
    opportunity_key,
    store_key,
    customer_key,
    source_key,
    lead_type,
    '(not given)' as vehicle_condition,
    salesperson_key,
    'unassigned' as bdc_agent_key,
    coalesce(setter_key, 'unassigned') as setter_key,
    coalesce(responder_key, 'unassigned') as responder_key,
    created_at,
    created_on,
    created_at as created_by,
    true as is_eligible,
    lead_type not in ('phone', 'walk_in') as needs_answer,
    first_attempt_at is not null as is_attempted,
    first_attempt_at,
    first_any_response_at is not null as is_responded,
    first_any_response_at,
    true as has_contact_log,
    coalesce(attempt_count, 0) as attempt_count,
    coalesce(attempt_count_1d, 0) as attempt_count_1d,
    coalesce(attempt_count_3d, 0) as attempt_count_3d,
    coalesce(attempt_count_10d, 0) as attempt_count_10d,
    coalesce(attempt_days_10d, 0) as attempt_days_10d,
    true as is_watched_1d,
    created_at + interval 86400 second as watched_1d_at,
    true as is_watched_3d,
    created_at + interval 259200 second as watched_3d_at,
    true as is_watched_10d,
    created_at + interval 864000 second as watched_10d_at,
    coalesce(is_multi_channel, false) as is_multi_channel,
    coalesce(attempt_count, 0) <= 1 as is_barely_tried,
    true as is_follow_up_due,
    created_at + interval 432000 second as follow_up_due_at,
    coalesce(follow_up_count >= 5, false) or coalesce(epoch(contacted_at) - epoch(created_at) < 432000, false)
        as is_follow_up_met,
    first_automated_at is not null and first_attempt_at is null as is_machine_only,
    coalesce(first_automated_at <= coalesce(first_attempt_at, first_automated_at), false) as is_automated_first,
    first_automated_at,
    first_reply_at is not null as is_replied,
    first_reply_at,
    last_customer_message_at is not null as is_written_to_us,
    last_customer_message_at,
    coalesce(last_spoken_at >= last_customer_message_at, false) as is_message_answered,
    case when last_spoken_at >= last_customer_message_at then last_spoken_at end as message_answered_at,
    contacted_at is not null as is_contacted,
    contacted_at,
    appointment_set_at is not null as is_appointment_set,
    appointment_set_at,
    appointment_due_at,
    cast(null as timestamptz) as appointment_confirmed_at,
    shown_at is not null as is_shown,
    shown_at,
    cast(timezone('America/Chicago', shown_at) as date) as shown_on,
    shown_at as visited_at,
    sold_at is not null as is_sold,
    sold_at,
    cast(null as timestamptz) as delivered_at,
    is_lost,
    false as is_bad,
    false as is_duplicate,
    case when sold_at >= created_at
        then cast(epoch(sold_at) - epoch(created_at) as bigint) end as seconds_to_sold,
    case when first_attempt_at >= created_at
        then cast(epoch(first_attempt_at) - epoch(created_at) as bigint) end as seconds_to_first_attempt,
    case when contacted_at >= created_at
        then cast(epoch(contacted_at) - epoch(created_at) as bigint) end as seconds_to_contacted,
    case when appointment_set_at >= created_at
        then cast(epoch(appointment_set_at) - epoch(created_at) as bigint) end as seconds_to_appointment_set,
    case when shown_at >= created_at
        then cast(epoch(shown_at) - epoch(created_at) as bigint) end as seconds_to_shown,
    case when first_attempt_at >= created_at then attempt_open_seconds - created_open_seconds end
        as open_seconds_to_first_attempt,
    case when first_any_response_at >= created_at
        then cast(epoch(first_any_response_at) - epoch(created_at) as bigint) end as seconds_to_first_any_response,
    case when first_reply_at >= created_at
        then cast(epoch(first_reply_at) - epoch(created_at) as bigint) end as seconds_to_first_reply,
    case when first_attempt_at >= first_automated_at
        then cast(epoch(first_attempt_at) - epoch(first_automated_at) as bigint) end as seconds_to_handover,
    case when appointment_set_at >= contacted_at
        then cast(epoch(appointment_set_at) - epoch(contacted_at) as bigint) end as seconds_contacted_to_set,
    case when shown_at >= appointment_set_at
        then cast(epoch(shown_at) - epoch(appointment_set_at) as bigint) end as seconds_set_to_shown,
    case when sold_at >= shown_at
        then cast(epoch(sold_at) - epoch(shown_at) as bigint) end as seconds_shown_to_sold,
    case when first_any_response_at >= created_at then response_open_seconds - created_open_seconds end
        as open_seconds_to_first_any_response,
    case when is_in_hours then 'in hours' else 'after hours' end as after_hours,
    dayname(created_on) as created_weekday,
    lpad(cast(hour(timezone('America/Chicago', created_at)) as varchar), 2, '0') || ':00' as created_hour,
    '(not known)' as tenure,
    case when not needs_answer then 'not needed' when first_attempt_at is null then 'never'
        when coalesce(open_seconds_to_first_attempt, 0) <= 900 then 'in time'
        when open_seconds_to_first_attempt <= 3600 then 'within an hour'
        when open_seconds_to_first_attempt <= 14400 then 'within four hours' else 'later' end as answered,
    created_open_seconds,
    900 as response_standard_seconds,
    false as has_known_spend,
    lead_count,
    lead_id,
    'generic' as system,
    'lead.csv' as source_file,
    source_line
from opened
order by created_at, opportunity_key;

create table fct_appointment as
with
missed as (
    select appointment_key, opportunity_key, due_at from appointment where outcome = 'no_show'
),
followed_up as (
    select m.appointment_key, min(c.occurred_at) as followed_up_at
    from missed as m
    join fct_contact as c using (opportunity_key)
    where c.is_attempt and c.occurred_at > m.due_at
    group by m.appointment_key
),
recovered as (
    select m.appointment_key, min(a.shown_at) as recovered_at
    from missed as m
    join appointment as a using (opportunity_key)
    where a.shown_at > m.due_at
    group by m.appointment_key
)
select
    a.appointment_key,
    a.opportunity_key,
    o.store_key,
    a.customer_key,
    o.source_key,
    o.lead_type,
    o.vehicle_condition,
    a.appointment_type,
    a.setter_key,
    o.salesperson_key,
    o.bdc_agent_key,
    o.responder_key,
    a.set_at,
    cast(timezone('America/Chicago', a.set_at) as date) as set_on,
    a.due_at,
    cast(timezone('America/Chicago', a.due_at) as date) as due_on,
    cast(null as timestamptz) as confirmed_at,
    a.shown_at,
    cast(null as timestamptz) as cancelled_at,
    f.followed_up_at,
    r.recovered_at,
    a.due_at as chain_due_at,
    a.shown_at as chain_shown_at,
    a.outcome,
    true as is_sales_appointment,
    true as is_first_of_chain,
    false as is_cancelled_ahead,
    false as is_moved_ahead,
    true as is_standing,
    true as is_counted_set,
    true as is_promised,
    true as is_standing_of_any_type,
    false as is_confirmed,
    a.outcome = 'shown' as is_shown,
    false as is_unresolved,
    a.outcome = 'no_show' as is_no_show,
    a.outcome = 'no_show' as is_no_show_to_call,
    a.outcome = 'no_show' as is_no_show_to_win_back,
    f.appointment_key is not null as is_followed_up,
    r.appointment_key is not null as is_recovered,
    a.outcome = 'shown' as is_chain_shown,
    false as is_set_late,
    'not confirmed' as confirmed,
    case when due_on - set_on = 1 then '1 day' else 'same day' end as lead_time,
    dayname(due_on) as due_weekday,
    lpad(cast(hour(timezone('America/Chicago', a.due_at)) as varchar), 2, '0') || ':00' as due_hour,
    true as has_contact_log,
    coalesce(least(o.first_attempt_at, o.first_reply_at) < a.due_at, false) as is_contact_logged,
    cast(epoch(a.due_at) - epoch(a.set_at) as bigint) as seconds_ahead,
    cast(epoch(f.followed_up_at) - epoch(a.due_at) as bigint) as seconds_to_follow_up,
    a.appointment_id,
    a.system,
    a.source_file,
    a.source_line
from appointment as a
join fct_opportunity as o using (opportunity_key)
left join followed_up as f using (appointment_key)
left join recovered as r using (appointment_key)
order by a.due_at, a.appointment_key;

create table fct_sale as
with
deals as (
    select
        *,
        max(sold_on) over (
            partition by customer_key order by sold_on
            range between unbounded preceding and interval 1 day preceding
        ) as bought_before_on,
        min(sold_at) over (
            partition by customer_key order by sold_on
            range between interval 1 day following and unbounded following
        ) as kept_at
    from sale
)
select
    left(md5(s.sale_key || chr(31) || '1' || chr(31)), 16) as sale_line_key,
    s.sale_key,
    s.opportunity_key,
    s.store_key,
    s.customer_key,
    o.source_key,
    o.lead_type,
    o.vehicle_condition,
    s.salesperson_key,
    o.bdc_agent_key,
    s.sale_type,
    s.sold_at,
    s.sold_on,
    o.created_at,
    o.created_on,
    cast(null as timestamptz) as delivered_at,
    cast(null as date) as delivered_on,
    cast(null as timestamptz) as reversed_at,
    cast(null as date) as reversed_on,
    cast(1 as double) as weight,
    true as is_counted,
    false as is_unwound,
    true as is_first_line,
    true as has_customer,
    s.bought_before_on is not null as is_repeat,
    o.lead_type = 'referral' as is_referral,
    false as is_without_lead,
    true as has_contact_log,
    coalesce(
        cast(timezone('America/Chicago', least(o.first_attempt_at, o.first_reply_at)) as date) <= s.sold_on, false
    ) as is_contact_logged,
    false as has_survey_log,
    false as has_service_log,
    false as has_two_deal_logs,
    true as is_in_crm,
    false as is_in_dms,
    false as is_surveyed,
    cast(null as timestamptz) as survey_answered_at,
    s.kept_at is not null as is_kept,
    s.kept_at,
    date_diff('day', s.sold_on, cast(timezone('America/Chicago', s.kept_at) as date)) * 86400 as seconds_to_return,
    date_diff('day', s.bought_before_on, s.sold_on) * 86400 as seconds_owned,
    s.front_gross,
    s.back_gross,
    s.total_gross as gross,
    cast(s.total_gross as decimal(18, 3)) as weighted_gross,
    cast(s.front_gross as decimal(18, 3)) as weighted_front_gross,
    cast(s.back_gross as decimal(18, 3)) as weighted_back_gross,
    true as has_known_gross,
    false as has_known_front_gross,
    false as has_known_back_gross,
    false as has_known_spend,
    true as is_open_to_cohort,
    s.sale_id,
    s.source_file,
    s.source_line
from deals as s
join fct_opportunity as o using (opportunity_key)
order by s.sold_at, s.sale_key;

create table fct_roster_day as
with
logged_days as (
    select person_key, store_key, occurred_on as day from fct_contact where is_human
    union
    select setter_key, store_key, set_on from fct_appointment
),
-- The day of the store's newest event is not over.
last_days as (
    select store_key, max(sold_on) as today from fct_sale group by store_key
),
spans as (
    select person_key, store_key, min(day) as from_on, least(max(day), any_value(today) - 1) as until_on
    from logged_days
    join last_days using (store_key)
    group by person_key, store_key
)
select
    p.person_key || ' ' || cast(d.day as varchar) as roster_day_key,
    p.store_key,
    p.person_key,
    d.day,
    l.day is not null as has_logged
from spans as p
join dim_date as d on d.day between p.from_on and p.until_on
left join logged_days as l on l.person_key = p.person_key and l.day = d.day
where d.opens_at is not null
order by d.day, roster_day_key;

create table bridge_opportunity_source as
with
credited as (
    select opportunity_key, 'first' as attribution, source_key, 1.0 as weight from fct_opportunity
    union all
    select opportunity_key, 'last', arg_max(source_key, created_at), 1.0 from fct_lead group by opportunity_key
    union all
    select opportunity_key, 'even', source_key, count(*) / sum(count(*)) over (partition by opportunity_key)
    from fct_lead
    group by opportunity_key, source_key
)
from credited
order by opportunity_key, attribution, source_key;
"""
_FACTS: Final = (
    "fct_lead",
    "fct_contact",
    "fct_appointment",
    "fct_sale",
    "fct_opportunity",
    "bridge_opportunity_source",
    "bridge_customer_lead",
    "dim_customer",
    "fct_roster_day",
)


def differences(ours: Path, lean: Path) -> list[str]:
    """The facts in which two stars of the same files differ: the table, and how many rows only one of them has."""
    with duckdb.connect() as con:
        con.execute(f"attach '{ours}' as ours (read_only)")
        con.execute(f"attach '{lean}' as lean (read_only)")
        return [f"{table}: {count:,} rows" for table in _FACTS for count in _rows_of_one_side(con, table) if count]


def _rows_of_one_side(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[int]:
    shown = con.execute(
        "select column_name from duckdb_columns() where database_name = 'lean' and table_name = ?", [table]
    ).fetchall()
    columns = ", ".join(name for (name,) in shown)
    for one, other in (("ours", "lean"), ("lean", "ours")):
        rows = f"select {columns} from {one}.main.{table} except all select {columns} from {other}.main.{table}"
        yield int(con.execute(f"select count(*) from ({rows})").fetchall()[0][0])
