-- Grain: one row per appointment record; a reschedule chain is several records.
create table fct_appointment as
with recursive
attached as (
    select
        a.*,
        e.opportunity_key,
        o.source_key,
        o.lead_type,
        o.vehicle_condition,
        coalesce(a.salesperson_key, o.salesperson_key, 'unassigned') as seller_key,
        coalesce(o.bdc_agent_key, 'unassigned') as bdc_agent_key,
        coalesce(o.responder_key, 'unassigned') as responder_key,
        least(o.first_attempt_at, o.first_reply_at) as first_logged_at,
        s.has_contact_log,
        a.is_sales_appointment and not a.is_cancelled_ahead and not a.is_moved_ahead as is_standing,
        a.outcome = 'no_show' as is_no_show
    from stg_appointment as a
    join dim_store as s using (store_key)
    left join stg_event_episode as e on e.kind = 'appointment' and e.event_key = a.appointment_key
    left join fct_opportunity as o using (opportunity_key)
),
-- The records that one appointment became by being moved; an appointment never moved is its own end.
chain as (
    select appointment_key as first_key, appointment_key, moved_to_key
    from attached
    where is_first_of_chain and moved_to_key is not null
    union
    select c.first_key, a.appointment_key, a.moved_to_key
    from chain as c
    join attached as a on a.appointment_key = c.moved_to_key
),
ended as (
    select
        c.first_key as appointment_key,
        bool_or(a.is_shown) as is_shown,
        min(a.shown_at) as shown_at,
        max(a.due_at) as due_at
    from chain as c
    join attached as a using (appointment_key)
    group by c.first_key
),
missed as (
    select appointment_key, opportunity_key, due_at from attached where is_standing and is_no_show
),
followed_up as (
    select m.appointment_key, min(c.occurred_at) as followed_up_at
    from missed as m
    join fct_contact as c using (opportunity_key)
    where c.is_attempt and c.occurred_at > m.due_at
    group by m.appointment_key
),
arrivals as (
    select opportunity_key, shown_at as came_at from attached where is_sales_appointment and is_shown
    union all
    select opportunity_key, occurred_at from fct_contact where channel = 'visit'
    union all
    select e.opportunity_key, v.arrived_at
    from record_visit as v
    join stg_event_episode as e on e.kind = 'visit' and e.event_key = key3(v.store, v.system, v.visit_id)
),
recovered as (
    select m.appointment_key, min(r.came_at) as recovered_at
    from missed as m
    join arrivals as r using (opportunity_key)
    where r.came_at > m.due_at
    group by m.appointment_key
)
select
    a.appointment_key,
    a.opportunity_key,
    a.store_key,
    coalesce(a.customer_key, 'unknown') as customer_key,
    coalesce(a.source_key, 'no_lead') as source_key,
    coalesce(a.lead_type, '(no lead)') as lead_type,
    coalesce(a.vehicle_condition, '(not given)') as vehicle_condition,
    a.appointment_type,
    coalesce(a.setter_key, 'unassigned') as setter_key,
    a.seller_key as salesperson_key,
    a.bdc_agent_key,
    a.responder_key,
    a.set_at,
    cast(timezone(a.time_zone, a.set_at) as date) as set_on,
    a.due_at,
    cast(timezone(a.time_zone, a.due_at) as date) as due_on,
    a.confirmed_at,
    a.shown_at,
    a.cancelled_at,
    f.followed_up_at,
    r.recovered_at,
    coalesce(n.due_at, a.due_at) as chain_due_at,
    case when n.appointment_key is null then a.shown_at else n.shown_at end as chain_shown_at,
    a.outcome,
    a.is_sales_appointment,
    a.is_first_of_chain,
    a.is_cancelled_ahead,
    a.is_moved_ahead,
    a.is_standing,
    a.is_sales_appointment and a.is_first_of_chain as is_counted_set,
    a.is_sales_appointment and not a.is_moved_ahead as is_promised,
    not a.is_cancelled_ahead and not a.is_moved_ahead as is_standing_of_any_type,
    a.is_confirmed,
    a.is_shown,
    a.is_unresolved,
    a.is_no_show,
    -- Whether anybody called can be told only where calls are logged, and of a customer who is known.
    a.is_standing and a.is_no_show and a.has_contact_log and a.opportunity_key is not null as is_no_show_to_call,
    a.is_standing and a.is_no_show and a.opportunity_key is not null as is_no_show_to_win_back,
    f.appointment_key is not null as is_followed_up,
    r.appointment_key is not null as is_recovered,
    coalesce(n.is_shown, a.is_shown) as is_chain_shown,
    coalesce(a.set_at >= a.due_at, false) as is_set_late,
    case when a.is_confirmed then 'confirmed' else 'not confirmed' end as confirmed,
    case
        when a.set_at is null then '(not known)'
        when a.set_at >= a.due_at then 'set afterwards'
        when due_on = set_on then 'same day'
        when due_on - set_on = 1 then '1 day'
        when due_on - set_on <= 3 then '2 to 3 days'
        when due_on - set_on <= 7 then '4 to 7 days'
        else 'over a week'
    end as lead_time,
    dayname(due_on) as due_weekday,
    -- Nobody is asked for midnight: it is a day without a time.
    case
        when cast(timezone(a.time_zone, a.due_at) as time) = time '00:00:00' then '(not known)'
        else lpad(cast(hour(timezone(a.time_zone, a.due_at)) as varchar), 2, '0') || ':00'
    end as due_hour,
    a.has_contact_log,
    coalesce(a.first_logged_at < a.due_at, false) as is_contact_logged,
    case
        when a.due_at >= a.set_at then cast(floor(epoch(a.due_at) - epoch(a.set_at)) as bigint)
    end as seconds_ahead,
    cast(floor(epoch(f.followed_up_at) - epoch(a.due_at)) as bigint) as seconds_to_follow_up,
    a.appointment_id,
    a.system,
    a.source_file,
    a.source_line
from attached as a
left join ended as n using (appointment_key)
left join followed_up as f using (appointment_key)
left join recovered as r using (appointment_key)
order by a.due_at, a.appointment_key;
