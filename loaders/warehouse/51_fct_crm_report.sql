-- Grain: one row per figure that a CRM itself reports for a source and period.
create table fct_crm_report as
select
    key3(r.store, r.system, r.crm_report_id) as crm_report_key,
    s.store_key,
    coalesce(src.source_key, 'no_source') as source_key,
    r.period_start,
    r.period_end,
    r.measure,
    r.value
from record_crm_report as r
join dim_store as s using (store)
left join (select distinct store, system, ref, source_key from source_ref) as src
    on src.store = r.store and src.system = r.system and src.ref = r.source
order by r.period_start, crm_report_key;
