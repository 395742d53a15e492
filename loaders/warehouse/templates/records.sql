-- Grain: one row per record of {table} that no export says is deleted.
-- Several kinds of export may each know a part of a record: a column's value is that of the newest version that fills it.
create temp table record_{table} as
with
ranked as (
    select
        *,
        row_number() over versions as nth,
        count(*) over (partition by store, system, {key}) as version_count
    from canonical.{table}
    window versions as (
        partition by store, system, {key}
        order by coalesce(modified_at, exported_at) desc nulls last, content_hash desc, block
    )
),
single as (
    select * exclude (nth, version_count) from ranked where version_count = 1
),
merged as (
    select
        store,
        system,
        {key},
        {filled}
    from ranked
    where version_count > 1
    group by store, system, {key}
),
final as (
    select * from single
    union all by name
    select * from merged
)
select * from final where not is_deleted;
