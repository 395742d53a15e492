-- Grain: one row per answered survey.
-- A survey belongs to the episode of its lead or customer, else to that of the deal it names.
create table fct_survey as
with
deals as (
    select r.store, r.system, r.sale_id, d.sale_key, d.customer_key, e.opportunity_key
    from (select sale_key, customer_key, unnest(record_keys) as record_key from stg_sale) as d
    join record_sale as r on key3(r.store, r.system, r.sale_id) = d.record_key
    left join stg_event_episode as e on e.kind = 'sale' and e.event_key = d.sale_key
),
only_deals as (
    select
        store,
        sale_id,
        any_value(sale_key) as sale_key,
        any_value(customer_key) as customer_key,
        any_value(opportunity_key) as opportunity_key
    from deals
    group by store, sale_id
    having count(*) = 1
),
attached as (
    select
        key3(v.store, v.system, v.survey_id) as survey_key,
        coalesce(d.sale_key, a.sale_key) as sale_key,
        coalesce(e.opportunity_key, d.opportunity_key, a.opportunity_key) as opportunity_key,
        s.store_key,
        s.time_zone,
        coalesce(k.customer_key, d.customer_key, a.customer_key, 'unknown') as customer_key,
        p.person_key,
        v.answered_at,
        v.instrument,
        v.kind,
        v.score,
        v.scale_min,
        v.scale_max,
        v.source_file,
        v.source_line
    from record_survey as v
    join dim_store as s using (store)
    join stg_link as k on k.kind = 'survey' and k.store = v.store and k.system = v.system and k.id = v.survey_id
    left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.person
    left join stg_event_episode as e
        on e.kind = 'survey' and e.event_key = key3(v.store, v.system, v.survey_id)
    left join deals as d on d.store = v.store and d.system = v.system and d.sale_id = v.sale_id
    left join only_deals as a on a.store = v.store and a.sale_id = v.sale_id
),
final as (
    select
        t.survey_key,
        t.sale_key,
        t.opportunity_key,
        t.store_key,
        t.customer_key,
        coalesce(o.source_key, 'no_lead') as source_key,
        coalesce(o.lead_type, '(no lead)') as lead_type,
        coalesce(o.vehicle_condition, '(not given)') as vehicle_condition,
        coalesce(t.person_key, o.salesperson_key, 'unassigned') as person_key,
        coalesce(o.salesperson_key, 'unassigned') as salesperson_key,
        coalesce(o.bdc_agent_key, 'unassigned') as bdc_agent_key,
        t.answered_at,
        cast(timezone(t.time_zone, t.answered_at) as date) as answered_on,
        -- Scores of two scales are two instruments, whatever their name.
        t.instrument || ' (' || format('{:g}', t.scale_min) || ' to ' || format('{:g}', t.scale_max) || ')'
            as instrument,
        t.kind,
        t.kind = 'sales' as is_about_sales,
        t.kind = 'service' as is_about_service,
        t.score = t.scale_max as is_top_box,
        t.score,
        t.scale_min,
        t.scale_max,
        t.source_file,
        t.source_line
    from attached as t
    left join fct_opportunity as o using (opportunity_key)
)
select * from final order by answered_at, survey_key;
