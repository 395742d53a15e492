-- Grain: one row per file of this load that feeds {table}: how many of its rows the warehouse held already, and how many it corrected.
with
incoming as (
    select file_number, block, store, system, {key} as id, profile, content_hash from incoming_{table}
),
held as (
    {held}
),
now as (
    select store, system, {key} as id, profile, block, content_hash from canonical.{table}
)
select
    i.file_number,
    i.block,
    count(*) filter (h.content_hash is not distinct from i.content_hash and h.id is not null) as unchanged,
    count(*) filter (
        h.content_hash <> i.content_hash and n.content_hash = i.content_hash
    ) as updated,
    count(*) filter (h.id is null) as added
from incoming as i
left join held as h using (store, system, id, profile, block)
join now as n using (store, system, id, profile, block)
group by i.file_number, i.block;
