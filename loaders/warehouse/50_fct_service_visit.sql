-- Grain: one row per repair order.
create table fct_service_visit as
select
    key3(v.store, v.system, v.service_visit_id) as service_visit_key,
    s.store_key,
    coalesce(k.customer_key, 'unknown') as customer_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    v.vin,
    v.opened_at,
    cast(timezone(s.time_zone, v.opened_at) as date) as opened_on,
    v.closed_at,
    v.odometer,
    v.amount
from record_service_visit as v
join dim_store as s using (store)
join stg_link as k
    on k.kind = 'service_visit' and k.store = v.store and k.system = v.system and k.id = v.service_visit_id
left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.advisor
order by v.opened_at, service_visit_key;
