-- Grain: one row per episode that was touched: when each kind of touch was first seen.
create temp table stg_touch as
with
-- The form that made the lead, logged as a message at the very second of creation, is no answer.
forms as (
    select distinct e.opportunity_key, l.created_at as occurred_at
    from stg_episode as e
    join stg_lead as l using (lead_key)
),
customer_messages as (
    select opportunity_key, min(occurred_at) as customer_message_at, max(occurred_at) as last_customer_message_at
    from fct_contact
    anti join forms using (opportunity_key, occurred_at)
    where is_by_customer and channel in ('text', 'email', 'chat')
    group by opportunity_key
),
touches as (
    select
        c.*,
        c.occurred_at > o.created_at as is_later,
        epoch(c.occurred_at) - epoch(o.created_at) as seconds_since_created,
        -- A bit for each day: those of an episode's first touches are few.
        cast(1 as bigint) << (cast(least(20, greatest(-20, c.occurred_on - o.created_on)) as bigint) + 20) as day_bit
    from fct_contact as c
    join stg_opportunity as o using (opportunity_key)
),
firsts as (
    select
        opportunity_key,
        min(occurred_at) filter (is_attempt) as first_attempt_at,
        arg_min(person_key, struct_pack(moment := occurred_at, key := contact_key)) filter (is_attempt)
            as responder_key,
        min(occurred_at) filter (direction = 'out') as first_any_response_at,
        min(occurred_at) filter (direction = 'out' and not is_human) as first_automated_at,
        min(occurred_at) filter (is_by_customer and is_later) as first_reply_at,
        min(occurred_at) filter (channel = 'call' and result = 'connected' and is_human) as answered_call_at,
        min(occurred_at) filter (channel = 'visit') as visited_at,
        min(occurred_at) filter (
            is_attempt and channel in ('text', 'email', 'chat') and result not in ('bounced', 'opted_out')
        ) as person_message_at,
        max(occurred_at) filter (
            is_attempt or channel = 'visit' or (channel = 'call' and result = 'connected' and is_human)
        ) as last_spoken_at,
        count(*) filter (is_attempt) as attempt_count,
        count(*) filter (is_attempt and seconds_since_created < 86400) as attempt_count_1d,
        count(*) filter (is_attempt and seconds_since_created < 3 * 86400) as attempt_count_3d,
        count(*) filter (is_attempt and seconds_since_created < 10 * 86400) as attempt_count_10d,
        bit_count(bit_or(day_bit) filter (is_attempt and seconds_since_created < 10 * 86400)) as attempt_days_10d,
        count(*) filter (
            is_attempt and seconds_since_created < (select follow_up_seconds from build)
        ) as follow_up_count,
        min(channel) filter (is_attempt) <> max(channel) filter (is_attempt) as is_multi_channel
    from touches
    group by opportunity_key
)
select f.*, m.customer_message_at, m.last_customer_message_at
from firsts as f
left join customer_messages as m using (opportunity_key);

-- Grain: one row per episode with a sales appointment.
create temp table stg_appointment_milestone as
select
    e.opportunity_key,
    min(a.set_at) as appointment_set_at,
    min(a.due_at) as appointment_due_at,
    min(a.confirmed_at) filter (a.is_confirmed) as appointment_confirmed_at,
    min(a.shown_at) as shown_at,
    -- The setter of the first appointment, also where that one names none.
    arg_min(
        coalesce(a.setter_key, 'unassigned'),
        struct_pack(moment := coalesce(a.set_at, a.due_at), key := a.appointment_key)
    ) as setter_key
from stg_appointment as a
join stg_event_episode as e on e.kind = 'appointment' and e.event_key = a.appointment_key
where a.is_sales_appointment
group by e.opportunity_key;

-- Grain: one row per episode with a logged visit.
create temp table stg_visit_milestone as
select e.opportunity_key, min(v.arrived_at) as visited_at
from record_visit as v
join stg_event_episode as e on e.kind = 'visit' and e.event_key = key3(v.store, v.system, v.visit_id)
group by e.opportunity_key;

-- Grain: one row per episode with a counted sale.
create temp table stg_sale_milestone as
select
    e.opportunity_key,
    min(s.sold_at) as sold_at,
    arg_min(s.sold_at_is_date, struct_pack(moment := s.sold_at, key := s.sale_key)) as sold_at_is_date,
    arg_min(s.sold_on, struct_pack(moment := s.sold_at, key := s.sale_key)) as sold_on,
    min(s.delivered_at) as delivered_at
from stg_sale as s
join stg_event_episode as e on e.kind = 'sale' and e.event_key = s.sale_key
where s.is_counted
group by e.opportunity_key;

-- Grain: one row per episode: what its leads say together.
create temp table stg_lead_milestone as
select
    e.opportunity_key,
    count(*) as lead_count,
    bool_and(l.status = 'duplicate') as is_duplicate,
    bool_and(l.status = 'lost') as is_lost,
    bool_and(l.status = 'bad') as is_bad,
    arg_max(l.salesperson_key, struct_pack(moment := l.created_at, key := l.lead_key))
    filter (l.salesperson_key <> 'unassigned') as salesperson_key,
    arg_max(l.bdc_agent_key, struct_pack(moment := l.created_at, key := l.lead_key))
    filter (l.bdc_agent_key <> 'unassigned') as bdc_agent_key,
    min(l.crm_first_attempt_at) as crm_first_attempt_at,
    min(l.crm_first_contact_at) as crm_first_contact_at
from stg_episode as e
join stg_lead as l using (lead_key)
group by e.opportunity_key;
