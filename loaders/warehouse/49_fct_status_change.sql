-- Grain: one row per move of a lead from one status to another.
create table fct_status_change as
select
    key3(c.store, c.system, c.status_change_id) as status_change_key,
    e.opportunity_key,
    s.store_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    c.changed_at,
    cast(timezone(s.time_zone, c.changed_at) as date) as changed_on,
    c.from_status,
    c.to_status,
    c.reason
from record_status_change as c
join dim_store as s using (store)
left join person_ref as p on p.store = c.store and p.system = c.system and p.ref = c.person
left join stg_episode as e on e.lead_key = key3(c.store, c.system, c.lead_id)
order by c.changed_at, status_change_key;
