-- Grain: one row per answered survey.
create table fct_survey as
select
    key3(v.store, v.system, v.survey_id) as survey_key,
    e.opportunity_key,
    s.store_key,
    coalesce(k.customer_key, 'unknown') as customer_key,
    coalesce(o.source_key, 'no_lead') as source_key,
    coalesce(o.lead_type, '(no lead)') as lead_type,
    coalesce(o.vehicle_condition, '(not given)') as vehicle_condition,
    coalesce(p.person_key, o.salesperson_key, 'unassigned') as person_key,
    v.answered_at,
    cast(timezone(s.time_zone, v.answered_at) as date) as answered_on,
    v.instrument,
    v.kind,
    v.score,
    v.scale_min,
    v.scale_max
from record_survey as v
join dim_store as s using (store)
join stg_link as k on k.kind = 'survey' and k.store = v.store and k.system = v.system and k.id = v.survey_id
left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.person
left join stg_event_episode as e
    on e.kind = 'survey' and e.event_key = key3(v.store, v.system, v.survey_id)
left join fct_opportunity as o using (opportunity_key)
order by v.answered_at, survey_key;
