-- Grain: one row per figure that a CRM itself reports for a source and period.
create table fct_crm_report as
with
reported as (
    select
        key3(r.store, r.system, r.crm_report_id) as crm_report_key,
        s.store_key,
        coalesce(src.source_key, 'no_source') as source_key,
        r.period_start,
        r.period_end,
        r.measure,
        r.value,
        r.measure = 'leads' as is_of_leads,
        r.value is not null as has_value,
        r.source_file,
        r.source_line
    from record_crm_report as r
    join dim_store as s using (store)
    left join (select distinct store, system, ref, source_key from source_ref) as src
        on src.store = r.store and src.system = r.system and src.ref = r.source
),
loaded as (
    select r.crm_report_key, sum(l.record_count) as record_count
    from reported as r
    join lead_records as l
        on l.store_key = r.store_key and l.source_key = r.source_key and l.day between r.period_start and r.period_end
    where r.is_of_leads
    group by r.crm_report_key
),
final as (
    select
        r.*,
        case when r.is_of_leads then cast(coalesce(l.record_count, 0) as bigint) end as loaded_leads
    from reported as r
    left join loaded as l using (crm_report_key)
)
select * from final order by period_start, crm_report_key;
