-- Grain: one row per store, source and day of which a CRM reports its own figures: how many lead records were loaded.
create temp table lead_records as
select
    s.store_key,
    coalesce(src.source_key, 'no_source') as source_key,
    cast(timezone(s.time_zone, l.created_at) as date) as day,
    count(*) as record_count
from record_lead as l
join dim_store as s using (store)
left join (select distinct store, system, ref, source_key from source_ref) as src
    on src.store = l.store and src.system = l.system and src.ref = l.source
where l.store in (select store from record_crm_report)
group by all;
