-- Grain: one row per store, source and day on which it sent a lead.
create temp table source_day as
select distinct
    s.store_key,
    coalesce(src.source_key, 'no_source') as source_key,
    cast(timezone(s.time_zone, l.created_at) as date) as day
from record_lead as l
join dim_store as s using (store)
left join (select distinct store, system, ref, source_key from source_ref) as src
    on src.store = l.store and src.system = l.system and src.ref = l.source;
