-- Grain: one row per episode that was touched: when each kind of touch was first seen.
create temp table stg_touch as
with
touches as (
    select
        e.opportunity_key,
        c.*,
        o.created_at,
        c.channel in ('text', 'email', 'chat') as is_message
    from stg_contact as c
    join stg_event_episode as e on e.kind = 'contact' and e.event_key = c.contact_key
    join stg_opportunity as o using (opportunity_key)
),
-- The form that made the lead, logged as a message at the very second of creation, is no answer.
forms as (
    select t.contact_key
    from touches as t
    join stg_episode as e using (opportunity_key)
    join stg_customer_lead as l on l.lead_key = e.lead_key
    where t.direction = 'in' and t.occurred_at = l.created_at
),
firsts as (
    select
        opportunity_key,
        min(occurred_at) filter (direction = 'out' and is_human) as first_attempt_at,
        arg_min(person_key, struct_pack(moment := occurred_at, key := contact_key)) filter (
            direction = 'out' and is_human
        ) as responder_key,
        min(occurred_at) filter (direction = 'out') as first_any_response_at,
        min(occurred_at) filter (is_by_customer and occurred_at > created_at) as first_reply_at,
        min(occurred_at) filter (channel = 'call' and result = 'connected' and is_human) as answered_call_at,
        min(occurred_at) filter (channel = 'visit') as visited_at,
        min(occurred_at) filter (
            is_message and is_by_customer and contact_key not in (select contact_key from forms)
        ) as customer_message_at,
        min(occurred_at) filter (
            is_message and direction = 'out' and is_human and result not in ('bounced', 'opted_out')
        ) as person_message_at
    from touches
    group by opportunity_key
)
select * from firsts;

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
join stg_customer_lead as l using (lead_key)
group by e.opportunity_key;
