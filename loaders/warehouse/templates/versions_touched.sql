-- Grain: one row per version of a touched record of {table}, held or brought.
select * exclude (is_only_version)
from snapshot.canonical.{table} as h
semi join touched_{table} using (store, system, {key})
where not exists (
    from read_anew_{table} as i
    where i.file_hash = h.file_hash and i.source_file = h.source_file
    and i.source_sheet is not distinct from h.source_sheet and coalesce(i.store, h.store) = h.store
)
union all by name
select * exclude (file_number) from incoming_{table}
