-- Grain: one row per logged touch.
create table fct_contact as
select
    c.contact_key,
    coalesce(l.opportunity_key, e.opportunity_key) as opportunity_key,
    c.lead_key,
    s.store_key,
    coalesce(c.customer_key, 'unknown') as customer_key,
    c.person_key,
    c.occurred_at,
    cast(timezone(s.time_zone, c.occurred_at) as date) as occurred_on,
    c.recorded_at,
    seconds_after(c.occurred_at, c.recorded_at) as seconds_to_recorded,
    c.direction,
    c.channel,
    c.result,
    c.is_human,
    c.is_by_customer,
    c.direction = 'out' as is_outbound,
    c.direction = 'out' and c.is_human as is_attempt,
    c.source_file,
    c.source_line
from stg_contact as c
join dim_store as s using (store)
left join stg_episode as l using (lead_key)
left join stg_event_episode as e on e.kind = 'contact' and e.event_key = c.contact_key
order by c.occurred_at, c.contact_key;
