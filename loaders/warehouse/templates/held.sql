-- Grain: one row per version of a record of {table} that the earlier snapshot holds.
union all by name
select columns(lambda name: name in ({names})), true as is_only_version
from (
    -- A store that the settings call otherwise by now, as an alias of another, stands under that name.
    select p.* exclude (store), coalesce(n.named, p.store) as store
    from previous.canonical.{table} as p
    left join store_name as n on n.store = p.store
) as h
where not exists (
    from read_anew_{table} as i
    where i.file_hash = h.file_hash and i.source_file = h.source_file
    and i.source_sheet is not distinct from h.source_sheet and coalesce(i.store, h.store) = h.store
)
