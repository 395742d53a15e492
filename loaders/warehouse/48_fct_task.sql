-- Grain: one row per CRM task.
create table fct_task as
select
    key3(t.store, t.system, t.task_id) as task_key,
    e.opportunity_key,
    s.store_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    t.due_at,
    cast(timezone(s.time_zone, t.due_at) as date) as due_on,
    t.completed_at,
    t.outcome,
    t.is_user_generated,
    t.outcome <> 'dismissed' as is_to_do,
    t.outcome = 'dismissed' as is_dismissed,
    t.outcome = 'completed' as is_completed,
    -- Tasks carry a day more often than an hour: on time is by the end of that day.
    t.outcome = 'completed' and coalesce(
        cast(timezone(s.time_zone, t.completed_at) as date) <= cast(timezone(s.time_zone, t.due_at) as date), true
    ) as is_done_on_time,
    t.source_file,
    t.source_line
from record_task as t
join dim_store as s using (store)
left join person_ref as p on p.store = t.store and p.system = t.system and p.ref = t.person
left join stg_event_episode as e on e.kind = 'task' and e.event_key = key3(t.store, t.system, t.task_id)
order by t.due_at, task_key;
