-- Grain: one row per showroom visit.
create table fct_visit as
with
attached as (
    select
        key3(v.store, v.system, v.visit_id) as visit_key,
        e.opportunity_key,
        s.store_key,
        coalesce(k.customer_key, 'unknown') as customer_key,
        coalesce(o.source_key, 'no_lead') as source_key,
        coalesce(o.lead_type, '(no lead)') as lead_type,
        coalesce(o.vehicle_condition, '(not given)') as vehicle_condition,
        coalesce(p.person_key, 'unassigned') as person_key,
        coalesce(o.salesperson_key, p.person_key, 'unassigned') as salesperson_key,
        coalesce(o.bdc_agent_key, 'unassigned') as bdc_agent_key,
        v.arrived_at,
        cast(timezone(s.time_zone, v.arrived_at) as date) as arrived_on,
        v.is_demo,
        v.is_write_up,
        v.is_turnover,
        v.is_appraisal,
        o.is_sold,
        o.sold_at,
        v.source_file,
        v.source_line
    from record_visit as v
    join dim_store as s using (store)
    join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
    left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.person
    left join stg_event_episode as e on e.kind = 'visit' and e.event_key = key3(v.store, v.system, v.visit_id)
    left join fct_opportunity as o using (opportunity_key)
),
final as (
    select
        *
        replace (coalesce(is_sold, false) as is_sold),
        is_demo is not null as has_known_demo,
        is_write_up is not null as has_known_write_up,
        is_turnover is not null as has_known_turnover,
        opportunity_key is not null as has_opportunity,
        -- Two visits of one day are one; a be-back comes on a later day.
        opportunity_key is not null
        and row_number() over (partition by opportunity_key order by arrived_at, visit_key) = 1 as is_first_visit,
        opportunity_key is not null
        and arrived_on > min(arrived_on) over (partition by opportunity_key) as is_be_back
    from attached
)
select * from final order by arrived_at, visit_key;
