-- Grain: one row per logged touch.
create table fct_contact as
select
    c.contact_key,
    e.opportunity_key,
    c.lead_key,
    c.store_key,
    coalesce(c.customer_key, 'unknown') as customer_key,
    c.person_key,
    c.occurred_at,
    cast(timezone(c.time_zone, c.occurred_at) as date) as occurred_on,
    c.direction,
    c.channel,
    c.result,
    c.is_human,
    c.direction = 'out' and c.is_human as is_attempt
from stg_contact as c
left join stg_event_episode as e on e.kind = 'contact' and e.event_key = c.contact_key
order by c.occurred_at, c.contact_key;
