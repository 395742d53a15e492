-- Grain: one row per move of a lead, or of a deal through its stages, from one status to another.
create table fct_status_change as
select
    key3(c.store, c.system, c.status_change_id) as status_change_key,
    e.opportunity_key,
    s.store_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    c.changed_at,
    cast(timezone(s.time_zone, c.changed_at) as date) as changed_on,
    coalesce(f.name, c.from_status) as from_status,
    coalesce(g.name, c.to_status) as to_status,
    c.reason
from record_status_change as c
join dim_store as s using (store)
left join person_ref as p on p.store = c.store and p.system = c.system and p.ref = c.person
left join record_stage as g on g.store = c.store and g.system = c.system and g.stage_id = c.to_status
left join record_stage as f on f.store = c.store and f.system = c.system and f.stage_id = c.from_status
left join stg_event_episode as e
    on e.kind = 'status_change' and e.event_key = key3(c.store, c.system, c.status_change_id)
order by c.changed_at, status_change_key;
