-- Grain: one row per record of {table} that no export says is deleted.
-- Several kinds of export may each know a part of a record: a column's value is that of the newest version that fills it.
create temp {kind} {name} as
with
single as (
    select * exclude (is_only_version) from snapshot.canonical.{table} where is_only_version
),
ranked as (
    select
        *,
        row_number() over (
            partition by store, system, {key}
            order by coalesce(modified_at, exported_at) desc nulls last, {content} desc, block
        ) as nth
    from snapshot.canonical.{table}
    where not is_only_version
),
merged as (
    select
        store,
        system,
        {key},
        {filled}
    from ranked
    group by store, system, {key}
),
final as (
    select * from single
    union all by name
    select * from merged
)
select * from final where not is_deleted;
