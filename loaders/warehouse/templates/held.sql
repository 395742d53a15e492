-- Grain: one row per version of a record of {table} that the earlier snapshot holds.
union all by name
select columns(lambda name: name in ({names})), true as is_only_version
from previous.canonical.{table} as h
where not exists (
    -- Of a file that is read anew only the latest reading counts: settings or a profile may have been mended between.
    from incoming_{table} as i
    where i.file_hash = h.file_hash and i.source_file = h.source_file
    and i.source_sheet is not distinct from h.source_sheet and i.store = h.store
)
