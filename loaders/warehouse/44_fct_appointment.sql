-- Grain: one row per appointment record; a reschedule chain is several records.
create table fct_appointment as
select
    a.appointment_key,
    e.opportunity_key,
    a.store_key,
    coalesce(a.customer_key, 'unknown') as customer_key,
    coalesce(o.source_key, 'no_lead') as source_key,
    coalesce(o.lead_type, '(no lead)') as lead_type,
    coalesce(o.vehicle_condition, '(not given)') as vehicle_condition,
    a.appointment_type,
    coalesce(a.setter_key, 'unassigned') as setter_key,
    coalesce(a.salesperson_key, o.salesperson_key, 'unassigned') as salesperson_key,
    coalesce(o.bdc_agent_key, 'unassigned') as bdc_agent_key,
    coalesce(o.responder_key, 'unassigned') as responder_key,
    a.set_at,
    cast(timezone(a.time_zone, a.set_at) as date) as set_on,
    a.due_at,
    cast(timezone(a.time_zone, a.due_at) as date) as due_on,
    a.confirmed_at,
    a.shown_at,
    a.cancelled_at,
    a.outcome,
    a.is_sales_appointment,
    a.is_first_of_chain,
    a.is_cancelled_ahead,
    a.is_moved_ahead,
    a.is_sales_appointment and not a.is_cancelled_ahead and not a.is_moved_ahead as is_standing,
    a.is_sales_appointment and a.is_first_of_chain as is_counted_set,
    a.is_confirmed,
    a.is_shown,
    a.is_unresolved,
    a.appointment_id,
    a.system,
    a.source_file,
    a.source_line
from stg_appointment as a
left join stg_event_episode as e on e.kind = 'appointment' and e.event_key = a.appointment_key
left join fct_opportunity as o using (opportunity_key)
order by a.due_at, a.appointment_key;
