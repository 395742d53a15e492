-- Grain: one row per lead record that the CRM has not deleted, with its keys; customers are not known yet.
create temp table stg_lead as
with
leads as (
    select
        key3(l.store, l.system, l.lead_id) as lead_key,
        s.store_key,
        s.time_zone,
        l.*
        exclude (lead_type, vehicle_condition),
        l.lead_type,
        coalesce(l.vehicle_condition, '(not given)') as vehicle_condition,
        coalesce(src.source_key, 'no_source') as source_key,
        coalesce(p.person_key, 'unassigned') as salesperson_key,
        coalesce(b.person_key, 'unassigned') as bdc_agent_key,
        cast(timezone(s.time_zone, l.created_at) as date) as created_on
    from record_lead as l
    join dim_store as s using (store)
    left join (select distinct store, system, ref, source_key from source_ref) as src
        on src.store = l.store and src.system = l.system and src.ref = l.source
    left join person_ref as p on p.store = l.store and p.system = l.system and p.ref = l.salesperson
    left join person_ref as b on b.store = l.store and b.system = l.system and b.ref = l.bdc_agent
),
final as (
    select
        *,
        case
            when created_at_is_date then timezone(time_zone, cast(created_on + 1 as timestamp))
            else created_at
        end as created_by,
        lead_type not in ('service', 'import') and not is_test as is_sales_lead
    from leads
)
select * from final;
