"""The star of the simulated exports of tests/benchmarks/volume.py, by the leanest statements that a person would write.

They know what those files are like (every record names its lead by id, one version of each, e-mails tell customers,
one time zone, no reschedules, no split deals, no reversals) and leave out all that real exports need. They write the
same facts with fewer columns and keys of the same kind; that their rows equal the star's is not checked. Their time is
a floor for the work, not a second statement of it.
"""

from __future__ import annotations

from typing import Final

LEAN_STAR: Final = r"""
create table dim_store as
select distinct store, left(md5(store), 16) as store_key from source.canonical.lead;

create table dim_day as
select unnest(generate_series(timestamp '2023-12-31', timestamp '2027-01-01', interval 1 day)) as day;

create table fct_lead as
with leads as (
    select
        left(md5(store || chr(31) || system || chr(31) || lead_id), 16) as lead_key,
        left(md5(store || chr(31) || lower(email)), 16) as customer_key,
        left(md5(lower(source)), 16) as source_key,
        left(md5(store || lower(salesperson)), 16) as salesperson_key,
        left(md5(store), 16) as store_key,
        * exclude (row_id, file_hash)
    from source.canonical.lead
),
activity as (
    select customer_key, created_at as moment, lead_key from leads
    union all
    select l.customer_key, c.occurred_at, null
    from source.canonical.contact as c join leads as l using (store, system, lead_id)
    where c.direction = 'in' or not c.is_automated
    union all
    select l.customer_key, unnest([a.set_at, a.due_at]), null
    from source.canonical.appointment as a join leads as l using (store, system, lead_id)
),
gaps as (
    select *, epoch(moment) - epoch(lag(moment) over (partition by customer_key order by moment, lead_key)) as silence
    from activity
),
episodes as (
    select
        lead_key,
        customer_key,
        sum(case when silence > 90 * 86400 then 1 else 0 end) over (
            partition by customer_key order by moment, lead_key rows unbounded preceding
        ) as episode
    from gaps
)
select
    left(md5('opportunity' || first_value(l.lead_key) over (
        partition by e.customer_key, e.episode order by l.created_at, l.lead_key
    )), 16) as opportunity_key,
    cast(timezone('America/Chicago', l.created_at) as date) as created_on,
    l.*
from leads as l
join episodes as e using (lead_key)
order by created_at, lead_key;

create table fct_contact as
select
    left(md5(c.store || chr(31) || c.system || chr(31) || c.contact_id), 16) as contact_key,
    l.opportunity_key,
    l.lead_key,
    l.store_key,
    l.customer_key,
    left(md5(c.store || lower(c.person)), 16) as person_key,
    c.occurred_at,
    cast(timezone('America/Chicago', c.occurred_at) as date) as occurred_on,
    c.direction,
    c.channel,
    c.result,
    not c.is_automated as is_human,
    c.direction = 'out' and not c.is_automated as is_attempt
from source.canonical.contact as c
join fct_lead as l using (store, system, lead_id)
order by c.occurred_at, contact_key;

create table fct_appointment as
select
    left(md5(a.store || chr(31) || a.system || chr(31) || a.appointment_id), 16) as appointment_key,
    l.opportunity_key,
    l.store_key,
    l.customer_key,
    l.source_key,
    left(md5(a.store || lower(a.set_by)), 16) as setter_key,
    a.set_at,
    cast(timezone('America/Chicago', a.set_at) as date) as set_on,
    a.due_at,
    cast(timezone('America/Chicago', a.due_at) as date) as due_on,
    a.outcome,
    a.outcome = 'shown' as is_shown,
    case when a.outcome = 'shown' then a.due_at end as shown_at
from source.canonical.appointment as a
join fct_lead as l using (store, system, lead_id)
order by a.due_at, appointment_key;

create table fct_sale as
select
    left(md5(s.store || chr(31) || s.system || chr(31) || s.sale_id), 16) as sale_key,
    l.opportunity_key,
    l.store_key,
    l.customer_key,
    l.source_key,
    left(md5(s.store || lower(s.salesperson)), 16) as salesperson_key,
    s.sold_at,
    cast(timezone('America/Chicago', s.sold_at) as date) as sold_on,
    s.total_gross
from source.canonical.sale as s
join fct_lead as l using (store, system, lead_id)
order by s.sold_at, sale_key;

create table fct_opportunity as
with touches as (
    select
        opportunity_key,
        min(occurred_at) filter (is_attempt) as first_attempt_at,
        arg_min(person_key, occurred_at) filter (is_attempt) as responder_key,
        min(occurred_at) filter (direction = 'out') as first_any_response_at,
        min(occurred_at) filter (direction = 'in') as first_reply_at,
        min(occurred_at) filter (channel = 'call' and result = 'connected' and is_human) as answered_call_at,
        min(occurred_at) filter (channel <> 'call' and is_attempt) as person_message_at
    from fct_contact
    group by opportunity_key
),
appointments as (
    select
        opportunity_key,
        min(set_at) as appointment_set_at,
        min(due_at) as appointment_due_at,
        min(shown_at) as shown_at,
        arg_min(setter_key, set_at) as setter_key
    from fct_appointment
    group by opportunity_key
),
sales as (
    select opportunity_key, min(sold_at) as sold_at from fct_sale group by opportunity_key
),
leads as (
    select
        opportunity_key,
        any_value(store_key) as store_key,
        any_value(customer_key) as customer_key,
        arg_min(source_key, created_at) as source_key,
        arg_min(lead_type, created_at) as lead_type,
        arg_max(salesperson_key, created_at) as salesperson_key,
        min(created_at) as created_at,
        count(*) as lead_count
    from fct_lead
    group by opportunity_key
)
select
    l.*,
    t.* exclude (opportunity_key),
    a.* exclude (opportunity_key),
    s.sold_at,
    least(t.answered_call_at, a.shown_at, greatest(t.first_reply_at, t.person_message_at)) as contacted_at,
    epoch(t.first_attempt_at) - epoch(l.created_at) as seconds_to_first_attempt,
    epoch(s.sold_at) - epoch(l.created_at) as seconds_to_sold
from leads as l
left join touches as t using (opportunity_key)
left join appointments as a using (opportunity_key)
left join sales as s using (opportunity_key)
order by created_at, opportunity_key;

create table bridge_opportunity_source as
select opportunity_key, 'first' as attribution, source_key, 1.0 as weight from fct_opportunity
union all
select opportunity_key, 'last', arg_max(source_key, created_at), 1.0 from fct_lead group by opportunity_key
union all
select opportunity_key, 'even', source_key, count(*) / sum(count(*)) over (partition by opportunity_key)
from fct_lead
group by opportunity_key, source_key;

create table bridge_customer_lead as
select customer_key, lead_key, store, system, lead_id, created_at, customer_name, email, phone
from fct_lead
order by customer_key, created_at;

create table dim_customer as
select
    customer_key, any_value(store_key) as store_key, arg_max(customer_name, created_at) as customer,
    arg_max(email, created_at) as email, arg_max(phone, created_at) as phone, count(*) as lead_count
from fct_lead
group by customer_key
order by customer_key;
"""
