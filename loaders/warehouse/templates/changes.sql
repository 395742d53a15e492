-- Grain: one row per file of this load that feeds {table}: how many of its rows the warehouse held already, and how many it corrected.
with
incoming as (
    select file_number, block, store, system, {key} as id, profile, {content} as content from incoming_{table}
),
held as (
    select store, system, {key} as id, profile, block, {content} as content
    from snapshot.canonical.{table} semi join touched_{table} using (store, system, {key})
),
now as (
    select store, system, {key} as id, profile, block, {content} as content from merged_{table}
)
select
    i.file_number,
    i.block,
    count(*) filter (h.content is not distinct from i.content and h.id is not null) as unchanged,
    count(*) filter (h.content <> i.content and n.content = i.content) as updated,
    count(*) filter (h.id is null) as added
from incoming as i
left join held as h using (store, system, id, profile, block)
join now as n using (store, system, id, profile, block)
group by i.file_number, i.block;
