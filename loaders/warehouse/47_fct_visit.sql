-- Grain: one row per showroom visit.
create table fct_visit as
select
    key3(v.store, v.system, v.visit_id) as visit_key,
    e.opportunity_key,
    s.store_key,
    coalesce(k.customer_key, 'unknown') as customer_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    v.arrived_at,
    cast(timezone(s.time_zone, v.arrived_at) as date) as arrived_on,
    v.is_demo,
    v.is_write_up,
    v.is_turnover,
    v.is_appraisal
from record_visit as v
join dim_store as s using (store)
join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.person
left join stg_event_episode as e on e.kind = 'visit' and e.event_key = key3(v.store, v.system, v.visit_id)
order by v.arrived_at, visit_key;
